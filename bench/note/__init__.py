# SPDX-License-Identifier: MIT
"""What bench/all writes."""
