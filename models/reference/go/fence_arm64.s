// func fence()
TEXT ·fence(SB), $0-0
	DSB $11
	ISB $15
	RET
