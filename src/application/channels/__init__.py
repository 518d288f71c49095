"""What arrives, and the phone numbers it arrives on."""
