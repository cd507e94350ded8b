hz_fuzz(supply_manifest LIBS hz_supply)
