hz_fuzz(supply_backends LIBS hz_supply)
