// What an answer must be for the call that it answers: checked, since a node may be mistaken.
import { RaftkvError } from '@raftkv/wire';
import type { Answer } from './call.ts';

type AnswerOf<Type> = Extract<Answer, { readonly type: Type }>;

export function expectType<Type extends 'put' | 'delete' | 'get' | 'scan' | 'batch' | 'txn' | 'compact'>(
  answer: Answer,
  type: Type,
): AnswerOf<Type> {
  if ('type' in answer && answer.type === type) return answer as AnswerOf<Type>;
  throw new RaftkvError('bad_frame', `the answer to a ${type} is something else`, { definite: false });
}
