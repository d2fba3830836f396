/** Whether the machine was quiet while something was measured: what others took of its processors. Linux only (/proc). */
import { readFileSync } from 'node:fs'

// The unit of times in /proc is a hundredth of a second wherever Node runs (USER_HZ, proc(5)).
const ticks = 100

/** The processor time of a process so far, and of its children that have ended, seconds (utime to cstime of proc_pid_stat(5)). */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / ticks
}

/** The processor time of everybody so far, seconds: user, nice, system, irq, softirq and steal of proc_stat(5), which other machines took. */
function cpuOfAll(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
  const [, user, nice, system, , , irq, softirq, steal] = line.split(/\s+/).map(Number)
  return (
    [user, nice, system, irq, softirq, steal].reduce((sum: number, value) => sum + (value ?? 0), 0) / ticks
  )
}

/** What others take of one processor, at most: more, and a round is measured again. */
export const mostDisturbance = 0.12

/** Begins to watch; the answer says what part of one processor others took since. `own` are the processes that belong to it. */
export function disturbance(own: readonly number[]): () => number {
  const mine = () => own.reduce((sum, pid) => sum + cpuOf(pid), 0)
  const [began, all, ours] = [performance.now(), cpuOfAll(), mine()]
  return () => {
    const seconds = (performance.now() - began) / 1000
    return Math.max(0, cpuOfAll() - all - (mine() - ours)) / seconds
  }
}
