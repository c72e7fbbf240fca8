#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A week of a fleet of 20 hosts, with crowds: no alarm of contrib's fleet rules. And the sketches
# of 1,000 hosts: a thin flood of three /24s is named, and a crowd is not.
source=$(cd "$(dirname "$0")/../.." && pwd)
export srcdir=$source
bash "$source/tests/unit/test-fleet.sh" week && bash "$source/tests/unit/test-fleet.sh" "sources everybody" 1000
