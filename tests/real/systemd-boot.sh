#!/usr/bin/env bash
# Becomes a systemd of its own within the namespaces that it was started in: systemd-boot.sh FILES ROOT. The files below
# FILES are laid over those below ROOT; what is changed is changed in a layer that goes with the namespaces.
set -euo pipefail
files=$1 lower=$2
mount --make-rprivate /
layers=$files.layers
mkdir "$layers"
mount -t tmpfs none "$layers"
mkdir "$layers/work" "$layers/root"
cp -r "$files" "$layers/upper"
cd "$layers"
mount -t overlay -o "lowerdir=$lower,upperdir=$layers/upper,workdir=$layers/work" none root
mount -t proc none root/proc
mount -o bind,ro /proc/sys root/proc/sys
mount -t sysfs -o ro none root/sys
mount -t cgroup2 none root/sys/fs/cgroup
mount --rbind /dev root/dev
mount -t tmpfs -o mode=755 none root/run
mount -t tmpfs none root/tmp
mkdir root/old
cd root
pivot_root . old
umount -l old
# As a machine has it: systemd gives a service its credentials by a mount.
mount --make-rshared /
# So that it leaves alone what is the machine's: the clock, modules, limits.
export container=test
exec /lib/systemd/systemd --system --unit=exporter-test.target --show-status=no --log-target=null
