# Stand between two networks: inline.sh OUTER INNER. Nothing passes but what Suricata copies.
#
#   outer --bridge-- outer-a == outer-b  [Suricata]  inner-b == inner-a --bridge-- inner
#
# The pair of devices on each side has no offloads, so the kernel cuts large segments and fills in checksums before
# Suricata reads a packet: it copies packets as they are on a wire.
set -eu
for side in "$1" "$2"; do
    ip link show "$side-b" >/dev/null 2>&1 && continue
    ip link add "$side-a" type veth peer name "$side-b"
    for end in a b; do
        ethtool -K "$side-$end" tx off tso off gso off gro off sg off >/dev/null
        sysctl -qw "net.ipv6.conf.$side-$end.disable_ipv6=1" 2>/dev/null || true
    done
    ip link add "br-$side" type bridge mcast_snooping 0
    ip link set "$side" master "br-$side"
    ip link set "$side-a" master "br-$side"
    ip link set "br-$side" up
    ip link set "$side-a" up
    ip link set "$side-b" up
done
exec sh /etc/suricata/sensor.sh --inline
