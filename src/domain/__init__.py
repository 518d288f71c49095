"""What a front desk is: pure values and decisions. No I/O, no clock, no chance: time and ids are arguments."""
