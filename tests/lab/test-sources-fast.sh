#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What of test-sources.sh floods as fast as a processor sends.
# Alone: 40,000 SYN/s and more.
exec bash "$(dirname "$0")/test-sources.sh" heavy fast lossy
