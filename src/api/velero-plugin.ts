/** VeleroPlugin: a plugin image that the Velero Deployment of its namespace must carry. */
import { conditions } from './conditions.ts'
import { namePattern } from './metadata.ts'
import type { Infer, Kind, Metadata, ShapeNode } from './schema.ts'

/** When the kubelet pulls an image (core/v1, PullPolicy). */
export const pullPolicies = ['Always', 'IfNotPresent', 'Never'] as const
/** When the kubelet pulls the image of a plugin. */
export type PullPolicy = (typeof pullPolicies)[number]

/** The checks of a plugin's image, in the order in which they are made; each is a condition. */
export const imageChecks = [
  'ReferenceValid',
  'RegistryAllowed',
  'PullSecretValid',
  'ManifestReachable',
  'TagUnmoved',
  'PlatformSupported',
  'ShapeValid',
  'SignatureVerified',
] as const

/**
 * What is said about a plugin, a condition each: first the checks, in the order in which they are made, then what became of it.
 * A check that was not made yet is Unknown; Ready is True when every check but TagUnmoved is: a moved tag keeps nothing out.
 */
export const pluginConditions = [...imageChecks, 'Ready', 'Injected', 'RolledOut'] as const
/** One condition of a VeleroPlugin. */
export type PluginCondition = (typeof pluginConditions)[number]

/** Longest image reference that is read: registry (253 and a port), repository (255), tag (128) and digest (135) fit. */
export const longestImage = 1024

// github.com/distribution/reference v0.6.0, regexp.go: the grammar with its optional parts, in RE2 and in JavaScript the same.
// It leaves to core/image.ts what a pattern cannot say well (lengths of digests, ports, IPv6 groups).
const host =
  '(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])([.]([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\\[[a-fA-F0-9:]+\\])(:[0-9]+)?'
const component = '[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*'
const tag = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'
const digest = '[A-Za-z][A-Za-z0-9]*([-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'

/** The grammar of an image reference, as far as a pattern can say it. */
export const imagePattern = `^(${host}/)?${component}(/${component})*(:${tag})?(@${digest})?$`

const imageForm = new RegExp(imagePattern, 'u')

/** The field `image` of a plugin, wherever it is declared. */
export const imageNode = {
  type: 'string',
  doc: 'The image, as a pod names it: [registry/]repository[:tag][@digest]. Its entrypoint copies the plugin into /target.',
  minLength: 1,
  maxLength: longestImage,
} as const

/** The field `imagePullPolicy` of a plugin. */
export const imagePullPolicyNode = {
  type: 'string',
  doc: 'When the kubelet pulls the image.',
  enum: pullPolicies,
  default: 'IfNotPresent',
} as const

/** The field `imagePullSecret` of a plugin. */
export const imagePullSecretNode = {
  type: 'string',
  doc: "The name of a Secret in Velero's namespace with the credentials of the registry (kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg).",
  pattern: namePattern,
  minLength: 1,
  maxLength: 253,
} as const

const spec = {
  type: 'object',
  doc: 'Which image, and how it is got.',
  fields: {
    image: {
      ...imageNode,
      rules: [
        {
          // A raw string: every backslash of the pattern stands as it is.
          cel: `self.matches(r'${imagePattern}')`,
          message: 'image must be a reference such as registry.example.com/team/plugin:1.0',
          holds: (self: string) => imageForm.test(self),
        },
      ],
    },
    imagePullPolicy: imagePullPolicyNode,
    imagePullSecret: imagePullSecretNode,
    enforcement: {
      type: 'string',
      doc: 'What a check that failed, or was not made yet, means: Enforce refuses a Deployment of Velero that would begin to carry the plugin (one that carries an earlier image of it, pinned, keeps that); Warn lets the plugin in and says so.',
      enum: ['Enforce', 'Warn'],
      default: 'Enforce',
    },
  },
  required: ['image'],
} as const satisfies ShapeNode

const generation = (doc: string) =>
  ({ type: 'integer', doc, minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) as const

const status = {
  type: 'object',
  doc: 'What was found out about it, and what became of it.',
  fields: {
    observedGeneration: generation('The generation that the conditions speak of.'),
    digest: {
      type: 'string',
      doc: 'The digest that the image has, and is pinned to.',
      pattern: '^sha(256:[a-f0-9]{64}|384:[a-f0-9]{96}|512:[a-f0-9]{128})$',
      maxLength: 135,
    },
    initContainer: {
      type: 'string',
      doc: 'The name of its initContainer in the Velero Deployment.',
      maxLength: 63,
    },
    conditions: conditions(
      'The checks (ReferenceValid, RegistryAllowed, PullSecretValid, ManifestReachable, TagUnmoved, PlatformSupported, ShapeValid, SignatureVerified), whether it may be used (Ready), and whether it is (Injected, RolledOut).',
      16,
    ),
  },
  required: [],
} as const satisfies ShapeNode

const conditionColumn = (name: PluginCondition, doc: string) =>
  ({ name, type: 'string', jsonPath: `.status.conditions[?(@.type=='${name}')].status`, doc }) as const

/** The kind VeleroPlugin, declared. */
export const veleroPluginKind = {
  kind: 'VeleroPlugin',
  plural: 'veleroplugins',
  singular: 'veleroplugin',
  shortNames: ['twp'],
  doc: 'A plugin image that the Velero Deployment of this namespace must carry, as an initContainer that copies the plugin into the volume that Velero reads plugins from.',
  columns: [
    { name: 'Image', type: 'string', jsonPath: '.spec.image', doc: 'The image as it is declared.' },
    conditionColumn('Ready', 'Whether its checks let it be used.'),
    conditionColumn('Injected', 'Whether the Velero Deployment carries it.'),
    conditionColumn('RolledOut', 'Whether the running Velero has it.'),
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', doc: 'Since when it exists.' },
    {
      name: 'Digest',
      type: 'string',
      jsonPath: '.status.digest',
      doc: 'What it is pinned to.',
      priority: 1,
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: ".status.conditions[?(@.type=='Ready')].reason",
      doc: 'Why it is not used.',
      priority: 1,
    },
  ],
  spec,
  status,
} as const satisfies Kind

/** The spec of a VeleroPlugin, defaults filled in. */
export type VeleroPluginSpec = Infer<typeof spec>
/** The status of a VeleroPlugin. */
export type VeleroPluginStatus = Infer<typeof status>

/** A VeleroPlugin as we hold it: parsed, its defaults filled in. */
export type VeleroPlugin = {
  readonly metadata: Metadata
  readonly spec: VeleroPluginSpec
  readonly status?: VeleroPluginStatus
}
