hz_fuzz(supply_npm LIBS hz_supply)
