#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The rings of DESIGN: who may include whom, and what the core must not call.
cd "$(dirname "$0")/../.." || exit 1
status=0

# complain_unless_only RING ALLOWED-RINGS-AS-REGEX
only() {
        local bad

        bad=$(grep -nHoE '^#include "[a-z]+[/.][^"]*"' $1 | grep -vE "\"($2)")
        if [ -n "$bad" ]; then
                printf 'not ok - %s may include only %s:\n%s\n' "$1" "$2" "$bad"
                status=1
        else
                printf 'ok - %s\n' "$1"
        fi
}

only 'daemon/core/*.[ch]' 'core/'
only 'daemon/util/*.[ch]' 'util/|config\.h'
only 'daemon/format/*.[ch]' 'core/|format/|util/|config\.h'
only 'daemon/privileged/*.[ch]' 'core/|privileged/|util/|config\.h'
only 'daemon/hooks/*.[ch]' 'core/|format/|hooks/|util/|config\.h'
only 'daemon/confine/*.[ch]' 'confine/|config\.h'
only 'daemon/sensors/*.[ch]' 'core/|sensors/|privileged/client\.h|util/|config\.h'
only 'daemon/actions/*.[ch]' 'core/|format/|actions/|privileged/client\.h|util/|config\.h'
only 'daemon/control/*.[ch]' 'core/|format/|control/|util/|config\.h'
only 'daemon/replay/*.[ch]' 'core/|format/|replay/|util/|config\.h'
only 'config/*.[ch]' 'core/|config/|util/|config\.h'
only 'ctl/*.[ch]' 'ctl/|util/|core/advice\.h|config\.h'
only 'daemon/sense*.[ch]' 'core/|sensors/|privileged/client\.h|util/|sense(_[a-z]+)?\.h|loop\.h|config\.h'
only 'daemon/act.[ch]' 'core/|actions/|hooks/hook_client\.h|privileged/client\.h|util/|act\.h|blocking\.h|config\.h'
only 'daemon/records.[ch]' 'core/|actions/|util/|records\.h|config\.h'
only 'daemon/blocking.[ch]' 'core/|actions/|privileged/client\.h|util/|blocking\.h|config\.h'

# Only the keeper may come near libnftables, which ends its process when an allocation fails.
bad=$(git ls-files 'daemon/*.[ch]' 'config/*.[ch]' 'ctl/*.[ch]' | xargs grep -lE '^#include [<"](nftables/|privileged/(nft|keeper|log_socket))' |
        grep -v '^daemon/privileged/')
if [ -n "$bad" ]; then
        printf 'not ok - only the keeper uses nftables and binds NFLOG:\n%s\n' "$bad"
        status=1
else
        echo 'ok - only the keeper uses nftables and binds NFLOG'
fi

# The core: no system call, no clock, no log. A name here is a call of that name.
bad=$(grep -nHE '\b(open|read|write|close|socket|send|recv|ioctl|syscall|time|gettimeofday|clock_gettime|printf|fprintf|puts|log_[a-z]+|syslog|getenv|rand|random|abort|exit)\(' daemon/core/*.c)
if [ -n "$bad" ]; then
        printf 'not ok - the core is pure:\n%s\n' "$bad"
        status=1
else
        echo 'ok - the core is pure'
fi

# One place reads clocks; the log stamps its lines itself, and what is asked of the keeper has a deadline.
bad=$(git ls-files 'daemon/*.c' | xargs grep -lE '\b(clock_gettime|gettimeofday|time)\(' |
        grep -vxE 'daemon/(loop|util/log|privileged/deadline).c')
if [ -n "$bad" ]; then
        printf 'not ok - only loop.c reads a clock:\n%s\n' "$bad"
        status=1
else
        echo 'ok - only loop.c reads a clock'
fi

# Every file says its licence.
bad=$(git ls-files '*.c' '*.h' '*.sh' '*.am' '*.ac' | xargs grep -L 'SPDX-License-Identifier: GPL-2.0-or-later')
if [ -n "$bad" ]; then
        printf 'not ok - no licence line:\n%s\n' "$bad"
        status=1
else
        echo 'ok - licence lines'
fi
exit $status
