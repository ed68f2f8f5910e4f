/usr/lib/aliyun-flink-exporter/restart-after-upgrade || :
