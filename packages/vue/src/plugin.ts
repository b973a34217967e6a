// Which kv the composables below speak to. It is made outside of Vue and handed to the app: `app.use(raftkv(kv))`.
import { inject, toValue } from 'vue';
import type { App, InjectionKey, MaybeRefOrGetter } from 'vue';
import { RaftkvError } from '@raftkv/client';
import type { LiveKv } from '@raftkv/client';

const key: InjectionKey<MaybeRefOrGetter<LiveKv | undefined>> = Symbol('raftkv');

/** A ref of undefined while the kv is being opened, and undefined on a server: reads are pending then. */
export function raftkv<Value>(kv: MaybeRefOrGetter<LiveKv<Value> | undefined>): { install(app: App): void } {
  return { install: (app) => void app.provide(key, kv as MaybeRefOrGetter<LiveKv | undefined>) };
}

/** The kv, for calls that need no composable. Call the answer when the kv is needed: it throws `closed` while there is none. */
export function useKv<Value = unknown>(): () => LiveKv<Value> {
  const find = useOptionalKv();
  return () => {
    const kv = find();
    if (kv === undefined) throw new RaftkvError('closed', 'the app has no kv yet');
    return kv as unknown as LiveKv<Value>;
  };
}

export function useOptionalKv(): () => LiveKv | undefined {
  const kv = inject(key, null);
  if (kv === null) throw new RaftkvError('invalid_argument', 'the app does not use the raftkv plugin');
  return () => toValue(kv);
}
