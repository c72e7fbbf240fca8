#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What of test-block.sh floods as fast as a processor sends.
# Alone: 100,000 SYN/s.
exec bash "$(dirname "$0")/test-block.sh" one_24 all_over
