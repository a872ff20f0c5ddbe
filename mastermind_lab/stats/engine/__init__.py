"""What the statistics are made of: sums that merge, draws, intervals, bins, ballots."""
