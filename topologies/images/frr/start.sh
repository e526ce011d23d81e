# Start FRRouting's daemons, in this order: start.sh zebra ospfd bgpd. All of them read /etc/frr/frr.conf.
set -eu
for daemon in "$@"; do
    LD_PRELOAD=/usr/local/lib/frr/ask_less.so "/usr/lib/frr/$daemon" -d -A 127.0.0.1 -f /etc/frr/frr.conf
done
