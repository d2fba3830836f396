/** Every knob, its default and its unit. Flags of `tidewaiter serve`; each also as TIDEWAITER_ + upper snake case. */

/** One flag: its name, what it means, its default as text. */
export type Knob = {
  readonly flag: string
  readonly value: string
  readonly fallback: string
  readonly doc: string
  readonly list?: boolean
}

/** Every flag of `serve`, in the order of its help. */
export const knobs: readonly Knob[] = [
  {
    flag: 'kubeconfig',
    value: 'FILE',
    fallback: '',
    doc: 'How to reach the cluster; default: the service account of the pod, else $KUBECONFIG, else ~/.kube/config',
  },
  {
    flag: 'velero-namespace',
    value: 'NAME',
    fallback: 'velero',
    doc: 'A namespace in which a Velero runs (repeatable)',
    list: true,
  },
  {
    flag: 'velero-service-account',
    value: 'NAME',
    fallback: 'velero,velero-server',
    doc: "Velero's own service account in that namespace; it is never taken for a person (repeatable)",
    list: true,
  },
  {
    flag: 'roles',
    value: 'LIST',
    fallback: 'webhook,controller',
    doc: 'What this process does: webhook, controller, dashboard',
    list: true,
  },
  {
    flag: 'listen',
    value: 'ADDRESS',
    fallback: ':9443',
    doc: 'Where the API server reaches the webhooks (HTTPS)',
  },
  {
    flag: 'metrics-listen',
    value: 'ADDRESS',
    fallback: ':8080',
    doc: 'Where /metrics, /healthz and /readyz are served (HTTP)',
  },
  {
    flag: 'dashboard-listen',
    value: 'ADDRESS',
    fallback: '127.0.0.1:8081',
    doc: 'Where the dashboard is served (HTTP); on a loopback address it is reached by port-forward: tidewaiter dashboard',
  },
  {
    flag: 'dashboard-host',
    value: 'NAME',
    fallback: '',
    doc: 'A name by which browsers reach the dashboard, beside localhost (repeatable)',
    list: true,
  },
  {
    flag: 'dashboard-sign-in',
    value: 'WAY',
    fallback: 'token',
    doc: 'Who may look: token (a Kubernetes token, then what its user may list), or none (everybody who reaches the address, which must then be a loopback one)',
  },
  {
    flag: 'history-file',
    value: 'FILE',
    fallback: '',
    doc: 'Where the dashboard keeps decisions beyond their life in the cluster; default: a file that ends with the process',
  },
  {
    flag: 'history-days',
    value: 'N',
    fallback: '90',
    doc: 'How long the dashboard keeps decisions',
  },
  {
    flag: 'history-mib',
    value: 'N',
    fallback: '1024',
    doc: 'How large the file of the history may become, MiB: the oldest decisions leave it',
  },
  {
    flag: 'runs-days',
    value: 'N',
    fallback: '14',
    doc: 'How long ActionRuns are kept whose work is done',
  },
  {
    flag: 'runs-per-action',
    value: 'N',
    fallback: '500',
    doc: 'How many ActionRuns are kept of each Action: the newest, and none goes before its work is done',
  },
  {
    flag: 'webhook-url',
    value: 'URL',
    fallback: '',
    doc: 'Outside a cluster: register this URL as tidewaiter-dev-<id>, and take it away on a clean stop',
  },
  {
    flag: 'client-ca',
    value: 'FILE',
    fallback: '',
    doc: 'Certificates that callers of the webhooks must be signed by; default: anybody who knows the path',
  },
  {
    flag: 'tls',
    value: 'WAY',
    fallback: 'self',
    doc: 'Certificate of the webhooks: self (own CA, kept in a Secret) or files',
  },
  { flag: 'tls-cert', value: 'FILE', fallback: '', doc: 'With --tls files: the certificate chain, PEM' },
  { flag: 'tls-key', value: 'FILE', fallback: '', doc: 'With --tls files: its private key, PEM' },
  {
    flag: 'tls-ca',
    value: 'FILE',
    fallback: '',
    doc: 'With --tls files: the CA that the API server is told to trust, PEM; left out, the caBundle of the registrations is kept by others',
  },
  {
    flag: 'certificate-overlap-seconds',
    value: 'N',
    fallback: '600',
    doc: 'How long a new CA is registered before it signs, and a new path accepted before it is registered; as long again until the former ones go',
  },
  {
    flag: 'egress-allow',
    value: 'HOST[:PORT]',
    fallback: '',
    doc: 'An address that actions may call, or that is a registry, although the rules refuse it: API server, nodes, loopback (repeatable)',
    list: true,
  },
  {
    flag: 'egress-only',
    value: 'HOST|*.DOMAIN|CIDR[:PORT]',
    fallback: '',
    doc: 'Nothing but these hosts, patterns and networks is called by actions and for images: registries, their token servers and storage (repeatable)',
    list: true,
  },
  {
    flag: 'egress-proxy',
    value: 'URL',
    fallback: '',
    doc: 'An HTTP proxy that the hosts of --egress-proxy-for are called through: http://[USER:PASSWORD@]HOST[:PORT]; with a password give it by the variable, from a Secret. HTTP_PROXY and its kin are not read',
  },
  {
    flag: 'egress-proxy-for',
    value: 'HOST|*.DOMAIN[:PORT]',
    fallback: '',
    doc: 'Hosts that are called through --egress-proxy, which looks them up: their addresses are for the proxy to judge. All others are called directly (repeatable)',
    list: true,
  },
  {
    flag: 'registries',
    value: 'FILE',
    fallback: '',
    doc: 'Settings of the registries that images of plugins come from, YAML: which are allowed, mirrors, CAs, plain HTTP, realms; followed as it changes',
  },
  {
    flag: 'plugins-config-map',
    value: 'NAME',
    fallback: 'tidewaiter-plugins',
    doc: "A ConfigMap in Velero's namespace with a Config of Embedded Cluster that declares plugins; it need not be there (repeatable)",
    list: true,
  },
  {
    flag: 'plugins-installation',
    value: 'NAME|newest',
    fallback: '',
    doc: 'An Installation of Embedded Cluster whose Config declares plugins: by name, or the newest',
  },
  {
    flag: 'proxy-domain',
    value: 'HOST[:PORT]',
    fallback: '',
    doc: 'What stands for proxy.replicated.com in the images of a Config or an Installation of Embedded Cluster, as its own install replaces it',
  },
  {
    flag: 'trusted-keys',
    value: 'FILE',
    fallback: '',
    doc: 'Public keys of other clusters, as their tidewaiter keys show prints them: outputs that their Backups exported are believed here. Read anew whenever they are needed (repeatable)',
    list: true,
  },
  {
    flag: 'drain-seconds',
    value: 'N',
    fallback: '8',
    doc: 'On SIGTERM, how long requests are still taken while the cluster learns that this replica goes',
  },
  {
    flag: 'hold-max-seconds',
    value: 'N',
    fallback: '43200',
    doc: 'Longest a Backup or Restore may be held, its wait for those before it included; then it fails',
  },
  {
    flag: 'stuck-after-seconds',
    value: 'N',
    fallback: '86400',
    doc: 'After this, a Backup or Restore that started and has not ended counts as stuck',
  },
  { flag: 'log-level', value: 'LEVEL', fallback: 'info', doc: 'debug, info, warn or error' },
]

/** The environment variable of a flag. */
export const variableOf = (flag: string): string => `TIDEWAITER_${flag.toUpperCase().replaceAll('-', '_')}`
