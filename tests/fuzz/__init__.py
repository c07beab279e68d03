"""What comes from outside, damaged at random: nothing crashes, hangs or takes all memory."""
