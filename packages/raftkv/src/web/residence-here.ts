// Loaded when it is needed: what a page has to have if no worker can have its replica.
import { resideHere } from '@raftkv/observer/web';
import type { AnyAssembly, Residence } from '@raftkv/observer/web';
import type { Place, PresentPage } from './place.ts';
import { residenceAt } from './residence-at.ts';

export function resideInPage(assembly: AnyAssembly, place: Place, page: PresentPage): Residence {
  return resideHere(assembly, residenceAt(place, page));
}
