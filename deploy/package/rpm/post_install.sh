# The distribution's presets say whether the service is enabled; most say that it is not.
if [ "$1" -eq 1 ] && command -v systemctl >/dev/null; then
    systemctl --no-reload preset aliyun-flink-exporter.service >/dev/null 2>&1 || :
fi
