// Values that a schema vouches for: any library that speaks Standard Schema (valibot, zod, arktype and others), known by its shape alone.
// Validation never changes what is written; what is read is what the schema makes of it.
import { RaftkvError } from '@raftkv/wire';
import type { ErrorCode } from '@raftkv/wire';
import { json } from './codec.ts';
import type { Codec } from './codec.ts';

/** The part of the Standard Schema interface (version 1) that is used here. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] };

/**
 * A codec whose values fit a schema: what does not is refused with `invalid_argument` before it is sent, and with `bad_frame` when it is read.
 * For schemas that do not turn one type into another; those that do belong in the `schema` option of a hook.
 *
 * @example
 * ```ts
 * const kv = await connect({ endpoints, codec: schemaCodec(v.object({ title: v.string() })) });
 * ```
 */
export function schemaCodec<Value>(schema: StandardSchema<Value, Value>, codec: Codec<unknown> = json): Codec<Value> {
  return {
    encode(value) {
      validated(schema, value, 'invalid_argument');
      return codec.encode(value);
    },
    decode: (bytes) => validated(schema, codec.decode(bytes), 'bad_frame'),
  };
}

/** What the schema makes of the value; throws `code` with the first issue if it is not fit. */
export function validated<Output>(schema: StandardSchema<unknown, Output>, value: unknown, code: ErrorCode): Output {
  let result: SchemaResult<Output> | Promise<SchemaResult<Output>>;
  try {
    result = schema['~standard'].validate(value);
  } catch (error) {
    throw RaftkvError.from(error, code);
  }
  if (result instanceof Promise) {
    // What it will say comes too late to matter.
    result.catch(() => {});
    throw new RaftkvError('unsupported', 'the schema validates asynchronously; values are shown and sent at once');
  }
  if (result.issues === undefined) return result.value;
  const [issue] = result.issues;
  throw new RaftkvError(code, issue === undefined ? 'the schema refuses the value' : messageOf(issue));
}

function messageOf({
  message,
  path = [],
}: {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
}): string {
  const steps = path.map((step) =>
    String(typeof step === 'object' && step !== null && 'key' in step ? step.key : step),
  );
  return steps.length === 0 ? message : `${steps.join('.')}: ${message}`;
}
