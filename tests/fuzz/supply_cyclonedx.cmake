hz_fuzz(supply_cyclonedx LIBS hz_supply)
