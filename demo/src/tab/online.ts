// Whether whoever uses this tab has switched it offline. The replica itself only tells that it is.
import { Observable } from '../model/observable.ts';

export const isSwitchedOff = new Observable(false);
