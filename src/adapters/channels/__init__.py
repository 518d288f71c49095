"""The platforms: one provider, one file, inbound and outbound together because they change together."""
