/**
 * The metrics of prom-client without what its index.js loads with them: one of its own metrics needs the API of OpenTelemetry, for
 * exemplars that nobody asks for here. That one is made here (lib/metrics/processCpuTotal.js), the others are prom-client's.
 */
import Counter from 'prom-client/lib/counter.js'
import Gauge from 'prom-client/lib/gauge.js'
import Histogram from 'prom-client/lib/histogram.js'
import eventLoopLag from 'prom-client/lib/metrics/eventLoopLag.js'
import gc from 'prom-client/lib/metrics/gc.js'
import heapSizeAndUsed from 'prom-client/lib/metrics/heapSizeAndUsed.js'
import heapSpacesSizeAndUsed from 'prom-client/lib/metrics/heapSpacesSizeAndUsed.js'
import osMemoryHeap from 'prom-client/lib/metrics/osMemoryHeap.js'
import processHandles from 'prom-client/lib/metrics/processHandles.js'
import processMaxFileDescriptors from 'prom-client/lib/metrics/processMaxFileDescriptors.js'
import processOpenFileDescriptors from 'prom-client/lib/metrics/processOpenFileDescriptors.js'
import processRequests from 'prom-client/lib/metrics/processRequests.js'
import processResources from 'prom-client/lib/metrics/processResources.js'
import processStartTime from 'prom-client/lib/metrics/processStartTime.js'
import version from 'prom-client/lib/metrics/version.js'
import Registry from 'prom-client/lib/registry.js'

export { Counter, Gauge, Histogram, Registry }

const others = [
  processStartTime,
  osMemoryHeap,
  processOpenFileDescriptors,
  processMaxFileDescriptors,
  eventLoopLag,
  processResources,
  processHandles,
  processRequests,
  heapSizeAndUsed,
  heapSpacesSizeAndUsed,
  version,
  gc,
]

/** Adds the metrics that prom-client has of every process. */
export function addProcessMetrics(registry: Registry, prefix: string): void {
  addProcessorTime(registry, prefix)
  for (const add of others) add(registry, { prefix })
}

function addProcessorTime(registry: Registry, prefix: string): void {
  let last = process.cpuUsage()
  const counter = (name: string, help: string, collect?: () => void) =>
    new Counter({
      name: `${prefix}process_cpu_${name}seconds_total`,
      help,
      registers: [registry],
      ...(collect === undefined ? {} : { collect }),
    })
  const user = counter('user_', 'Total user CPU time spent in seconds.', () => {
    const now = process.cpuUsage()
    const [userUs, systemUs] = [now.user - last.user, now.system - last.system]
    last = now
    user.inc(userUs / 1e6)
    system.inc(systemUs / 1e6)
    all.inc((userUs + systemUs) / 1e6)
  })
  const system = counter('system_', 'Total system CPU time spent in seconds.')
  const all = counter('', 'Total user and system CPU time spent in seconds.')
}
