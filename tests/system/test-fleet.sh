#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A week of a fleet of 20 hosts, with crowds: no alarm of contrib's fleet rules.
source=$(cd "$(dirname "$0")/../.." && pwd)
srcdir=$source exec bash "$source/tests/unit/test-fleet.sh" week
