find /etc -name "*.$1" -type f
