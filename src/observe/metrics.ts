/** Every metric, on one screen. Labels are bounded: never the name of a Backup. */
import { Counter, Gauge, Histogram, Registry, addProcessMetrics } from '../lean/prom-client.ts'
import { Tally, Timing } from './tally.ts'

// Up to the API server's 30 s.
const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 25, 29, 30]

/** The metrics of one process. */
export type Metrics = ReturnType<typeof createMetrics>

/** Makes the metrics of one process, in a registry of their own. */
export function createMetrics(version: string) {
  const registry = new Registry()
  addProcessMetrics(registry, 'tidewaiter_')
  const registers = [registry]
  const build = new Gauge({
    name: 'tidewaiter_build_info',
    help: 'Always 1; the label says which version runs.',
    labelNames: ['version'],
    registers,
  })
  build.set({ version }, 1)
  const unguarded = new Counter({
    name: 'tidewaiter_unguarded_total',
    help: 'Backups and Restores that ran without their pre actions.',
    labelNames: ['kind'],
    registers,
  })
  // Prometheus sees no increase in a series that begins with 1.
  for (const kind of ['Backup', 'Restore']) unguarded.inc({ kind }, 0)
  return {
    registry,
    requests: new Tally({
      name: 'tidewaiter_admission_requests_total',
      help: 'Admission requests by what was decided.',
      labelNames: ['webhook', 'kind', 'operation', 'verdict', 'reason', 'dry_run'],
      registry,
    }),
    duration: new Timing({
      name: 'tidewaiter_admission_duration_seconds',
      help: 'How long an admission request took here.',
      labelNames: ['webhook', 'verdict'],
      buckets: seconds,
      registry,
    }),
    inFlight: new Gauge({
      name: 'tidewaiter_admission_in_flight',
      help: 'Admission requests being answered.',
      registers,
    }),
    decisionWrites: new Counter({
      name: 'tidewaiter_decision_writes_total',
      help: 'Writes of AdmissionDecisions by what became of them: written, exists, conflict, gone, refused or away.',
      labelNames: ['result'],
      registers,
    }),
    decisionsWaiting: new Gauge({
      name: 'tidewaiter_decision_queue_length',
      help: 'Records of decisions that wait to be written.',
      registers,
    }),
    decisionsDropped: new Counter({
      name: 'tidewaiter_decisions_dropped_total',
      help: 'Decisions that are in the log but in no record, by why: full, refused, stopped or fault.',
      labelNames: ['reason'],
      registers,
    }),
    runs: new Counter({
      name: 'tidewaiter_runs_total',
      help: 'Runs that ended, by stage and phase.',
      labelNames: ['stage', 'phase'],
      registers,
    }),
    actions: new Counter({
      name: 'tidewaiter_action_runs_total',
      help: 'Actions that ended, by stage, action and result.',
      labelNames: ['stage', 'action', 'result'],
      registers,
    }),
    actionDuration: new Histogram({
      name: 'tidewaiter_action_duration_seconds',
      help: 'How long an action took, retries and waits included.',
      labelNames: ['stage', 'result'],
      buckets: [...seconds, 60, 300, 900, 3600],
      registers,
    }),
    leader: new Gauge({ name: 'tidewaiter_leader', help: '1 in the replica that leads.', registers }),
    ready: new Gauge({ name: 'tidewaiter_ready', help: '1 while this replica is ready.', registers }),
    guardClosed: new Gauge({
      name: 'tidewaiter_guard_closed',
      help: '1 if the guard denied its canary when it was last asked.',
      labelNames: ['namespace'],
      registers,
    }),
    gateOff: new Gauge({
      name: 'tidewaiter_gate_off',
      help: '1 while the label tidewaiter.io/gate=off switches tidewaiter off in a namespace.',
      labelNames: ['namespace'],
      registers,
    }),
    probe: new Gauge({
      name: 'tidewaiter_probe_success',
      help: '1 if the last dry-run CREATE through the API server reached tidewaiter.',
      labelNames: ['namespace'],
      registers,
    }),
    unguarded,
    orphaned: new Counter({
      name: 'tidewaiter_orphaned_total',
      help: 'Runs whose Backup or Restore never came to be after it was admitted.',
      labelNames: ['kind'],
      registers,
    }),
    held: new Gauge({
      name: 'tidewaiter_held',
      help: 'Backups and Restores that are held until their pre actions have ended.',
      labelNames: ['namespace', 'kind'],
      registers,
    }),
    heldOldest: new Gauge({
      name: 'tidewaiter_held_oldest_seconds',
      help: 'For how long the oldest of them is held.',
      labelNames: ['namespace', 'kind'],
      registers,
    }),
    undoStuck: new Gauge({
      name: 'tidewaiter_undo_stuck',
      help: 'Runs of which an undo fails for long.',
      labelNames: ['namespace'],
      registers,
    }),
    unknown: new Counter({
      name: 'tidewaiter_unknown_total',
      help: 'Runs of which nobody knows what was done.',
      labelNames: ['stage'],
      registers,
    }),
    runsPruned: new Counter({
      name: 'tidewaiter_runs_pruned_total',
      help: 'Runs that were deleted because they were old (age) or more than are kept of their Actions (number).',
      labelNames: ['namespace', 'because'],
      registers,
    }),
    cooldownUntil: new Gauge({
      name: 'tidewaiter_schedule_cooldown_until_timestamp_seconds',
      help: 'Until when nothing is run for a Schedule whose Backups were refused. In the replica that leads.',
      labelNames: ['namespace', 'schedule'],
      registers,
    }),
    refusedInARow: new Gauge({
      name: 'tidewaiter_schedule_refused_in_a_row',
      help: 'Backups of a Schedule that were refused since one was not; those that a cool-down answers are not counted. In the replica that leads.',
      labelNames: ['namespace', 'schedule'],
      registers,
    }),
    pending: new Gauge({
      name: 'tidewaiter_post_runs_pending',
      help: 'Post runs that have not ended.',
      registers,
    }),
    stuck: new Gauge({
      name: 'tidewaiter_stuck_objects',
      help: 'Backups and Restores that started and have not ended for longer than --stuck-after-seconds.',
      labelNames: ['kind'],
      registers,
    }),
    unadopted: new Gauge({
      name: 'tidewaiter_unadopted_actions',
      help: 'Actions that do not run because nobody with the rights wrote or adopted their spec.',
      labelNames: ['namespace'],
      registers,
    }),
    plugins: new Gauge({
      name: 'tidewaiter_plugins',
      help: 'Declared plugins by what is known of them: Ready, NotReady, Unknown; Invalid counts declarations that cannot be used. In the replica that leads.',
      labelNames: ['namespace', 'standing'],
      registers,
    }),
    queue: new Gauge({
      name: 'tidewaiter_queue_length',
      help: 'Keys waiting for the controller.',
      registers,
    }),
    certificate: new Gauge({
      name: 'tidewaiter_certificate_expiry_timestamp_seconds',
      help: 'When the certificate of the webhook ends.',
      registers,
    }),
    certificateTurn: new Gauge({
      name: 'tidewaiter_certificate_turn',
      help: '1 at the step where the turn of the authority, or of the path, stands; done: there is none.',
      labelNames: ['part', 'step'],
      registers,
    }),
    caBundle: new Gauge({
      name: 'tidewaiter_webhook_cabundle_in_sync',
      help: '1 if the registration carries our CA and path.',
      labelNames: ['configuration'],
      registers,
    }),
    kubeRequests: new Counter({
      name: 'tidewaiter_kube_requests_total',
      help: 'Requests to the API server by method and code.',
      labelNames: ['method', 'code'],
      registers,
    }),
  }
}
