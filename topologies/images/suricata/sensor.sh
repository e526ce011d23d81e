# Start the sensor (again) and wait until it inspects packets: sensor.sh [INTERFACE]
set -eu
interface=${1:-mon0}
log=/var/log/suricata/suricata.log
pidfile=/run/suricata.pid
if [ -s "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null; then
    kill "$(cat "$pidfile")"
    while kill -0 "$(cat "$pidfile")" 2>/dev/null; do sleep 0.05; done
fi
rm -f "$pidfile"
: > "$log"
touch /var/log/suricata/eve.json
suricata -D -c /etc/suricata/suricata.yaml --af-packet="$interface" -k none --pidfile "$pidfile" >/dev/null
tries=0
until grep -q 'Engine started' "$log"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ]; then
        echo "the sensor did not start within 15 s:"
        tail -n 20 "$log"
        exit 1
    fi
    sleep 0.05
done
