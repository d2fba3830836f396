// Load sends one body again and again over keep-alive connections of HTTP/1.1 and TLS, as kube-apiserver calls a webhook, and
// prints what came back as JSON. Twelve bytes "@@@@@@@@@@@@" in the body become a number, so that no two requests are the same.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const mark = "@@@@@@@@@@@@"

// Report is what one run saw. Times are of requests that were answered with 200 within the measured seconds, in microseconds.
type Report struct {
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
	// Connections that were closed instead of an answer, as net/http would tell its caller.
	EOFs int `json:"eofs"`
	// Any other failure, and answers that are not 200.
	Failures int    `json:"failures"`
	Failure  string `json:"failure"`
	// The first answer, to be compared with what other servers say.
	Answer json.RawMessage `json:"answer"`
}

type worker struct {
	address string
	request []byte
	places  []int
	conn    *tls.Conn
	reader  *bufio.Reader
	times   []float64
	report  Report
}

var counter atomic.Int64

// Each run asks about others than the one before it: twelve digits, of which the last seven are counted up.
func init() { counter.Store(time.Now().UnixMilli() / 100 % 100_000 * 10_000_000) }

func (w *worker) connect() error {
	conn, err := tls.Dial("tcp", w.address, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	if err != nil {
		return err
	}
	w.conn, w.reader = conn, bufio.NewReaderSize(conn, 16384)
	return nil
}

// One request and its answer.
func (w *worker) ask() error {
	number := fmt.Sprintf("%012d", counter.Add(1))
	for _, place := range w.places {
		copy(w.request[place:], number)
	}
	if err := w.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if _, err := w.conn.Write(w.request); err != nil {
		return err
	}
	response, err := http.ReadResponse(w.reader, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != 200 {
		return fmt.Errorf("answered with %d: %.200s", response.StatusCode, body)
	}
	if w.report.Answer == nil {
		w.report.Answer = body
	}
	if response.Close {
		w.conn.Close()
		return w.connect()
	}
	return nil
}

// Asks until the end; `due` says when the next one is due, if they are paced.
func (w *worker) run(from, until time.Time, due func() time.Time) {
	for {
		began := time.Now()
		if due != nil {
			began = due()
			if began.After(until) {
				return
			}
			time.Sleep(time.Until(began))
		}
		if time.Now().After(until) {
			return
		}
		if err := w.ask(); err != nil {
			w.failed(err)
			if err := w.connect(); err != nil {
				w.failed(err)
				return
			}
			continue
		}
		if ended := time.Now(); began.After(from) && !ended.After(until) {
			w.times = append(w.times, float64(ended.Sub(began).Nanoseconds())/1000)
		}
	}
}

func (w *worker) failed(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		w.report.EOFs++
	} else {
		w.report.Failures++
	}
	w.report.Failure = err.Error()
}

func requestOf(target *url.URL, body []byte) []byte {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: kube-apiserver-admission\r\nAccept: application/json, */*\r\n"+
		"Content-Length: %d\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n", target.RequestURI(), target.Host, len(body))
	return append([]byte(head), body...)
}

func placesIn(request []byte) []int {
	var places []int
	for at := 0; ; {
		next := bytes.Index(request[at:], []byte(mark))
		if next < 0 {
			return places
		}
		places = append(places, at+next)
		at += next + len(mark)
	}
}

// When each request of a given rate is due, over all workers.
func pace(rate float64, from time.Time) func() time.Time {
	if rate == 0 {
		return nil
	}
	var next atomic.Int64
	return func() time.Time {
		return from.Add(time.Duration(float64(next.Add(1)) / rate * float64(time.Second)))
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	return value
}

func main() {
	to := flag.String("url", "", "where to send, https://HOST:PORT/PATH")
	file := flag.String("body", "", "the file that is sent")
	connections := flag.Int("connections", 16, "connections at once")
	warm := flag.Duration("warm", time.Second, "the time before measuring")
	lasts := flag.Duration("lasts", 3*time.Second, "the time that is measured")
	rate := flag.Float64("rate", 0, "requests a second over all connections; 0: as fast as they are answered")
	bursts := flag.Int("bursts", 0, "instead of a load: one request on each connection, so many times")
	pause := flag.Duration("pause", 0, "the silence between bursts")
	flag.Parse()
	target := must(url.Parse(*to))
	request := requestOf(target, must(os.ReadFile(*file)))
	workers := make([]*worker, *connections)
	for i := range workers {
		workers[i] = &worker{address: target.Host, request: slices.Clone(request), places: placesIn(request)}
		must(0, workers[i].connect())
	}
	began := time.Now()
	if *bursts > 0 {
		burst(workers, *bursts, *pause)
		print(workers, time.Since(began))
		return
	}
	from := began.Add(*warm)
	due := pace(*rate, began)
	var group sync.WaitGroup
	for _, one := range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			one.run(from, from.Add(*lasts), due)
		}()
	}
	group.Wait()
	print(workers, *lasts)
}

// Every connection asks once, then all are silent, just as long that a server may lose patience.
func burst(workers []*worker, bursts int, pause time.Duration) {
	for i := range bursts {
		if i > 0 {
			time.Sleep(pause)
		}
		var group sync.WaitGroup
		for _, one := range workers {
			group.Add(1)
			go func() {
				defer group.Done()
				began := time.Now()
				if err := one.ask(); err != nil {
					one.failed(err)
					must(0, one.connect())
					return
				}
				one.times = append(one.times, float64(time.Since(began).Nanoseconds())/1000)
			}()
		}
		group.Wait()
	}
}

func print(workers []*worker, lasted time.Duration) {
	all := Report{Seconds: lasted.Seconds()}
	var times []float64
	for _, one := range workers {
		times = append(times, one.times...)
		all.EOFs += one.report.EOFs
		all.Failures += one.report.Failures
		if one.report.Failure != "" {
			all.Failure = one.report.Failure
		}
		if one.report.Answer != nil {
			all.Answer = one.report.Answer
		}
	}
	slices.Sort(times)
	all.Requests = len(times)
	if len(times) > 0 {
		all.P50, all.P99 = times[len(times)/2], times[len(times)*99/100]
	}
	must(0, json.NewEncoder(os.Stdout).Encode(all))
}
