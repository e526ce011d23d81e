echo "release: $(cat /etc/debian_version)"
