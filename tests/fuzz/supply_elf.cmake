hz_fuzz(supply_elf LIBS hz_supply)
