module tidewaiter.io/bench

go 1.24
