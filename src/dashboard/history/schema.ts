/** The tables of the history file. */

/** "TwHi": SQLite keeps it in the header of the file, so that a file of somebody else is known at once. */
export const applicationId = 0x54774869
/** The version of the tables and of what is in them. */
export const schemaVersion = 2

/** Decisions are summed up by these as well as by hour: they have few values. */
export const summedFacets = ['namespace', 'kind', 'verdict', 'reason'] as const
/** The columns by which decisions are filtered, those of the sums first; their texts are kept once, in `word`. */
export const facets = [...summedFacets, 'schedule', 'action', 'user'] as const
/** One of them. */
export type Facet = (typeof facets)[number]

/** What SQLite must know before the first table is made. */
export const filePragmas = 'PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;'

/**
 * `decision` is narrow, so that reading all of a million rows takes less than a tenth of a second. Its key is the place in
 * the order of time: every index has it as its last column, so a page is read from any of them without sorting.
 * Sums are kept by hour and by day (`span`, in hours), ordered as charts read them; a quantile of few reasons is not worth its rows.
 * A record is known by its name (with its namespace): its replica goes on counting in it after the ring removed it, and the
 * API server then gives it another uid. Those that it had before are `former`, so that links to it still lead to it.
 * The search index has no texts, no positions of words and no sizes of columns: what it finds is looked at again.
 */
export const tables = `
  CREATE TABLE word (
    id INTEGER PRIMARY KEY, facet INTEGER NOT NULL, text TEXT NOT NULL, records INTEGER NOT NULL,
    UNIQUE (facet, text)
  ) STRICT;
  CREATE TABLE decision (
    position INTEGER PRIMARY KEY, id INTEGER NOT NULL,
    ${facets.map((facet) => `${facet} INTEGER NOT NULL`).join(', ')}
  ) STRICT;
  CREATE UNIQUE INDEX decision_id ON decision (id);
  ${facets.map((facet) => `CREATE INDEX decision_${facet} ON decision (${facet});`).join('\n')}
  CREATE TABLE record (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, uid TEXT NOT NULL UNIQUE,
    version TEXT NOT NULL, body BLOB NOT NULL
  ) STRICT;
  CREATE TABLE former (uid TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX former_id ON former (id);
  CREATE VIRTUAL TABLE search USING fts5(
    body, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1'
  );
  CREATE TABLE sums (
    span INTEGER, hour INTEGER, verdict INTEGER, namespace INTEGER, kind INTEGER, reason INTEGER,
    records INTEGER NOT NULL, decisions INTEGER NOT NULL,
    PRIMARY KEY (span, hour, verdict, namespace, kind, reason)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE took (
    span INTEGER, hour INTEGER, most INTEGER, verdict INTEGER, namespace INTEGER, kind INTEGER,
    decisions INTEGER NOT NULL,
    PRIMARY KEY (span, hour, most, verdict, namespace, kind)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE horizon (only INTEGER PRIMARY KEY CHECK (only = 1), position INTEGER NOT NULL) STRICT;
  INSERT INTO horizon VALUES (1, 0);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`

/** What was seen of each chain, and when that began; a file of an earlier version of tidewaiter gets them when it is opened. */
export const chainTables = `
  CREATE TABLE IF NOT EXISTS chain (
    namespace TEXT, replica TEXT, newest INTEGER NOT NULL, coverage TEXT NOT NULL,
    PRIMARY KEY (namespace, replica)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS begun (only INTEGER PRIMARY KEY CHECK (only = 1), at INTEGER NOT NULL) STRICT;
`
