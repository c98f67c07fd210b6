module switchyard/subject-go

go 1.19
