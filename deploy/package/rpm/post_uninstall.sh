if [ "$1" -eq 0 ]; then
    # The package does not list its directories, so rpm leaves them. Those that hold files of the administrator's stay.
    for directory in /etc /usr/lib /usr/share /usr/share/doc /usr/share/licenses; do
        find "$directory/aliyun-flink-exporter" -depth -type d -empty -delete 2>/dev/null || :
    done
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
fi
