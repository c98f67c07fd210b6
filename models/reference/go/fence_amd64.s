// func fence()
TEXT ·fence(SB), $0-0
	LFENCE
	RET
