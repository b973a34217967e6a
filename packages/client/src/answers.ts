// What an answer must be for the call that it answers: checked, since a node may be mistaken.
import { RaftkvError } from '@raftkv/wire';
import type { NodeStatus } from '@raftkv/wire';
import type { Answer } from './call.ts';

type AnswerOf<Type> = Extract<Answer, { readonly type: Type }>;

export function expectType<Type extends 'put' | 'delete' | 'get' | 'scan' | 'batch' | 'txn' | 'compact'>(
  answer: Answer,
  type: Type,
): AnswerOf<Type> {
  if ('type' in answer && answer.type === type) return answer as AnswerOf<Type>;
  throw new RaftkvError('bad_frame', `the answer to a ${type} is something else`, { definite: false });
}

export function expectStatus(answer: Answer): NodeStatus {
  if ('phase' in answer) return answer;
  throw new RaftkvError('bad_frame', 'the answer to a status request is something else');
}

export function conditionFailed(ifRevision: number | undefined, revision: number): RaftkvError {
  const expected = ifRevision === undefined ? 'the key exists' : `the key does not have revision ${ifRevision}`;
  return new RaftkvError('condition_failed', `${expected}, as of revision ${revision}; nothing was written`);
}
