# Start Suricata (again) and wait until it inspects packets: sensor.sh [INTERFACE], or sensor.sh --inline
set -eu
interface=${1:-mon0}
config=/etc/suricata/suricata.yaml
log=/var/log/suricata/suricata.log
pidfile=/run/suricata.pid
if [ "$interface" = --inline ]; then
    config=/etc/suricata/inline.yaml
    capture=--af-packet
else
    capture=--af-packet=$interface
fi
alive() {
    # The process of the pid file, if it is still Suricata and not a later process with its number.
    [ -s "$pidfile" ] && grep -qs Suricata "/proc/$(cat "$pidfile")/comm"
}
if alive; then
    kill "$(cat "$pidfile")"
    while alive; do sleep 0.05; done
fi
rm -f "$pidfile"
: > "$log"
touch /var/log/suricata/eve.json
suricata -D -c "$config" "$capture" -k none --pidfile "$pidfile" >/dev/null
tries=0
until grep -q 'Engine started' "$log"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ]; then
        echo "Suricata did not start within 15 s:"
        tail -n 20 "$log"
        exit 1
    fi
    sleep 0.05
done
