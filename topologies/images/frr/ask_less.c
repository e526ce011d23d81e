/* Loaded before FRRouting's daemons: they ask for no more capabilities than the node has.
 *
 * Each daemon puts SYS_ADMIN (which only its network namespace and VRF features use) on the list of what it keeps,
 * and ends at once when the kernel says no. A node of a range never has SYS_ADMIN, so it is left off that list.
 * The kernel's own checks stay as they are: this can only take away.
 */
extern void *dlsym(void *handle, const char *name);
extern int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

#define NEXT ((void *)-1L)
#define PR_CAPBSET_READ 23
#define MOST 64

typedef int (*set_flag_t)(void *caps, int flag, int count, const int *values, int on);

int cap_set_flag(void *caps, int flag, int count, const int *values, int on)
{
    set_flag_t real = (set_flag_t)dlsym(NEXT, "cap_set_flag");
    int kept[MOST];
    int n = 0;

    for (int i = 0; i < count && n < MOST; i++)
        if (prctl(PR_CAPBSET_READ, (unsigned long)values[i], 0, 0, 0) == 1)
            kept[n++] = values[i];
    return n == 0 ? 0 : real(caps, flag, n, kept, on);
}
