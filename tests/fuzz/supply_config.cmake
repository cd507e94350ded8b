hz_fuzz(supply_config LIBS hz_supply)
