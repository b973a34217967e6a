// The address of this page after the "#", followed.
import { Observable } from '../model/observable.ts';

export const roomHash = new Observable(location.hash);
window.addEventListener('hashchange', () => roomHash.set(location.hash));
