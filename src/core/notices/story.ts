import type { Language } from '../languages.ts';
import type { TracedCall } from '../ports/overview-store.ts';

/** The story of a message in one language: a sentence for each station, and one for how it ended. */
export interface StoryWords {
  received(who: string, from: string): string;
  refused(reason: string | null): string;
  handled(reason: string | null): string;
  /** `other`: the message it was answered with, and the command that tells of it. */
  merged(other: string | null, command: string): string;
  authorised(owner: string, session: string): string;
  /** `starts`: how often it was started before. */
  waits(starts: number): string;
  /** `starts`: with this one. */
  began(run: string, model: string | null, starts: number): string;
  /** What was asked and has no outcome. */
  unanswered(model: string): string;
  answered(model: string, took: string | null, tokens: { input: number; output: number } | null): string;
  failed(model: string, took: string | null, why: string): string;
  calls: Readonly<Record<TracedCall['outcome'], (tool: string) => string>>;
  /** A part of the reply; `part` counts from 1. */
  sent(part: number, to: string, attempts: number, resent: boolean): string;
  uncertain(part: number, to: string, error: string): string;
  undeliverable(part: number, to: string, attempts: number, error: string | null): string;
  planned(part: number, to: string, error: string | null): string;
  growing(to: string): string;
  sending(part: number, to: string): string;
  reacted(who: string, value: string): string;
  atWork: string;
  stopped(error: string | null): string;
  /** `command`: tries it again. */
  givenUp(error: string | null, command: string): string;
  notAllDelivered: string;
  notCertain: string;
  deliveryGoesOn: string;
  aborted: string;
  answeredAndDelivered: string;
  answeredOnly: string;
}

const noReason = 'no reason was recorded';
const often = (count: number): string => (count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`);

const en: StoryWords = {
  received: (who, from) => `Received from ${who} on ${from} and stored.`,
  refused: (reason) => `It was refused: ${reason ?? noReason}. Nothing was sent to a model.`,
  handled: (reason) => `It needed no model: ${reason ?? 'it was handled on arrival'}.`,
  merged: (other, command) => `It was answered together with ${other ?? 'another message'}; see: ${command}`,
  authorised: (owner, session) => `Authorised as ${owner}, queued in session ${session}.`,
  waits: (starts) => `It waits for its turn.${starts > 0 ? ` It was started ${often(starts)} before.` : ''}`,
  began: (run, model, starts) =>
    `Run ${run} began${model === null ? '' : ` with ${model}`}.` +
    (starts > 1 ? ` It was started ${often(starts)}: the gateway stopped in between.` : ''),
  unanswered: (model) => `Asked ${model}; no outcome was recorded (still running, or cut by a crash).`,
  answered: (model, took, tokens) =>
    `Asked ${model}; it answered${took === null ? '' : ` after ${took}`}` +
    `${tokens === null ? '' : ` (${tokens.input} tokens in, ${tokens.output} out)`}.`,
  failed: (model, took, why) => `Asked ${model}; it failed${took === null ? '' : ` after ${took}`}: ${why}.`,
  calls: {
    done: (tool) => `Called ${tool}.`,
    failed: (tool) => `Called ${tool}; it came to an error.`,
    asked: (tool) => `Asked a person whether ${tool} may be called.`,
    approved: (tool) => `It approved the call of ${tool}, which was carried out.`,
    denied: (tool) => `It denied the call of ${tool}.`,
  },
  sent: (part, to, attempts, resent) =>
    `Part ${part} was delivered to ${to}${attempts > 1 ? ` after ${attempts} attempts` : ''}` +
    `${resent ? '; it may have arrived twice' : ''}.`,
  uncertain: (part, to, error) => `Part ${part} may have reached ${to}; the answer of the platform was lost: ${error}`,
  undeliverable: (part, to, attempts, error) =>
    `Part ${part} could not be delivered to ${to}${attempts > 1 ? ` after ${attempts} attempts` : ''}: ${error ?? noReason}`,
  planned: (part, to, error) =>
    `Part ${part} waits to be sent to ${to}${error === null ? '' : `; last attempt: ${error}`}.`,
  growing: (to) => `The reply is growing on ${to}.`,
  sending: (part, to) => `Part ${part} is being sent to ${to}.`,
  reacted: (who, value) => `${who} reacted with ${value}.`,
  atWork: 'It is being worked on.',
  stopped: (error) => `It stopped here: ${error ?? noReason}`,
  givenUp: (error, command) => `It was given up: ${error ?? noReason} To try again: ${command}`,
  notAllDelivered: 'It was answered, but not everything could be delivered.',
  notCertain: 'It was answered; whether all arrived is not certain.',
  deliveryGoesOn: 'It was answered; delivery goes on.',
  aborted: 'It was stopped by who asked.',
  answeredAndDelivered: 'It was answered and delivered.',
  answeredOnly: 'It was answered.',
};

const ohneGrund = 'ein Grund ist nicht vermerkt';

const de: StoryWords = {
  received: (who, from) => `Von ${who} über ${from} empfangen und gespeichert.`,
  refused: (reason) => `Sie wurde abgewiesen: ${reason ?? ohneGrund}. Kein Modell hat davon erfahren.`,
  handled: (reason) => `Sie brauchte kein Modell: ${reason ?? 'sie war beim Eingang erledigt'}.`,
  merged: (other, command) =>
    `Sie wurde zusammen mit ${other ?? 'einer anderen Nachricht'} beantwortet; siehe: ${command}`,
  authorised: (owner, session) => `Zugelassen als ${owner}, eingereiht in die Sitzung ${session}.`,
  waits: (starts) => `Sie wartet, bis sie dran ist.${starts > 0 ? ` Begonnen wurde sie schon ${starts}-mal.` : ''}`,
  began: (run, model, starts) =>
    `Der Lauf ${run} begann${model === null ? '' : ` mit ${model}`}.` +
    (starts > 1 ? ` Er begann ${starts}-mal: Dazwischen hielt das Gateway an.` : ''),
  unanswered: (model) =>
    `${model} gefragt; ein Ausgang ist nicht vermerkt (es läuft noch, oder ein Absturz kam dazwischen).`,
  answered: (model, took, tokens) =>
    `${model} gefragt; Antwort${took === null ? '' : ` nach ${took}`}` +
    `${tokens === null ? '' : ` (${tokens.input} Tokens hinein, ${tokens.output} heraus)`}.`,
  failed: (model, took, why) => `${model} gefragt; gescheitert${took === null ? '' : ` nach ${took}`}: ${why}.`,
  calls: {
    done: (tool) => `${tool} aufgerufen.`,
    failed: (tool) => `${tool} aufgerufen; das ergab einen Fehler.`,
    asked: (tool) => `Einen Menschen gefragt, ob ${tool} aufgerufen werden darf.`,
    approved: (tool) => `Sie erlaubte den Aufruf von ${tool}, und er wurde ausgeführt.`,
    denied: (tool) => `Sie lehnte den Aufruf von ${tool} ab.`,
  },
  sent: (part, to, attempts, resent) =>
    `Teil ${part} wurde${attempts > 1 ? ` nach ${attempts} Versuchen` : ''} an ${to} zugestellt` +
    `${resent ? '; vielleicht kam er zweimal an' : ''}.`,
  uncertain: (part, to, error) =>
    `Teil ${part} hat ${to} vielleicht erreicht; die Antwort der Plattform ging verloren: ${error}`,
  undeliverable: (part, to, attempts, error) =>
    `Teil ${part} konnte ${to}${attempts > 1 ? ` nach ${attempts} Versuchen` : ''} nicht zugestellt werden: ${error ?? ohneGrund}`,
  planned: (part, to, error) =>
    `Teil ${part} wartet darauf, an ${to} zu gehen${error === null ? '' : `; letzter Versuch: ${error}`}.`,
  growing: (to) => `Die Antwort wächst auf ${to}.`,
  sending: (part, to) => `Teil ${part} wird an ${to} gesendet.`,
  reacted: (who, value) => `${who} reagierte mit ${value}.`,
  atWork: 'Sie ist in Arbeit.',
  stopped: (error) => `Hier endete es: ${error ?? ohneGrund}`,
  givenUp: (error, command) => `Sie wurde aufgegeben: ${error ?? ohneGrund} Noch einmal versuchen: ${command}`,
  notAllDelivered: 'Sie wurde beantwortet, doch nicht alles konnte zugestellt werden.',
  notCertain: 'Sie wurde beantwortet; ob alles ankam, ist nicht sicher.',
  deliveryGoesOn: 'Sie wurde beantwortet; die Zustellung läuft noch.',
  aborted: 'Wer gefragt hat, hat sie angehalten.',
  answeredAndDelivered: 'Sie wurde beantwortet und zugestellt.',
  answeredOnly: 'Sie wurde beantwortet.',
};

const sinMotivo = 'no consta ningún motivo';

const es: StoryWords = {
  received: (who, from) => `Recibido de ${who} por ${from} y guardado.`,
  refused: (reason) => `Fue rechazado: ${reason ?? sinMotivo}. No se envió nada a un modelo.`,
  handled: (reason) => `No necesitó ningún modelo: ${reason ?? 'quedó resuelto al llegar'}.`,
  merged: (other, command) => `Se respondió junto con ${other ?? 'otro mensaje'}; véase: ${command}`,
  authorised: (owner, session) => `Autorizado como ${owner}, en cola en la sesión ${session}.`,
  waits: (starts) => `Espera su turno.${starts > 0 ? ` Ya se empezó ${starts} veces.` : ''}`,
  began: (run, model, starts) =>
    `La ejecución ${run} empezó${model === null ? '' : ` con ${model}`}.` +
    (starts > 1 ? ` Se empezó ${starts} veces: la pasarela se detuvo entretanto.` : ''),
  unanswered: (model) => `Se preguntó a ${model}; no consta el resultado (sigue en marcha, o lo cortó una caída).`,
  answered: (model, took, tokens) =>
    `Se preguntó a ${model}; respondió${took === null ? '' : ` tras ${took}`}` +
    `${tokens === null ? '' : ` (${tokens.input} tokens de entrada, ${tokens.output} de salida)`}.`,
  failed: (model, took, why) => `Se preguntó a ${model}; falló${took === null ? '' : ` tras ${took}`}: ${why}.`,
  calls: {
    done: (tool) => `Se llamó a ${tool}.`,
    failed: (tool) => `Se llamó a ${tool}; dio un error.`,
    asked: (tool) => `Se preguntó a una persona si se puede llamar a ${tool}.`,
    approved: (tool) => `Permitió la llamada a ${tool}, que se llevó a cabo.`,
    denied: (tool) => `Rechazó la llamada a ${tool}.`,
  },
  sent: (part, to, attempts, resent) =>
    `La parte ${part} se entregó a ${to}${attempts > 1 ? ` tras ${attempts} intentos` : ''}` +
    `${resent ? '; quizá llegó dos veces' : ''}.`,
  uncertain: (part, to, error) =>
    `La parte ${part} quizá llegó a ${to}; se perdió la respuesta de la plataforma: ${error}`,
  undeliverable: (part, to, attempts, error) =>
    `La parte ${part} no se pudo entregar a ${to}${attempts > 1 ? ` tras ${attempts} intentos` : ''}: ${error ?? sinMotivo}`,
  planned: (part, to, error) =>
    `La parte ${part} espera salir hacia ${to}${error === null ? '' : `; último intento: ${error}`}.`,
  growing: (to) => `La respuesta está creciendo en ${to}.`,
  sending: (part, to) => `La parte ${part} se está enviando a ${to}.`,
  reacted: (who, value) => `${who} reaccionó con ${value}.`,
  atWork: 'Se está trabajando en ello.',
  stopped: (error) => `Se detuvo aquí: ${error ?? sinMotivo}`,
  givenUp: (error, command) => `Se abandonó: ${error ?? sinMotivo} Para intentarlo de nuevo: ${command}`,
  notAllDelivered: 'Se respondió, pero no todo se pudo entregar.',
  notCertain: 'Se respondió; no es seguro que llegara todo.',
  deliveryGoesOn: 'Se respondió; la entrega sigue en marcha.',
  aborted: 'Lo detuvo quien preguntó.',
  answeredAndDelivered: 'Se respondió y se entregó.',
  answeredOnly: 'Se respondió.',
};

const sansRaison = 'aucune raison n’est notée';

const fr: StoryWords = {
  received: (who, from) => `Reçu de ${who} sur ${from} et enregistré.`,
  refused: (reason) => `Il a été refusé : ${reason ?? sansRaison}. Rien n’a été envoyé à un modèle.`,
  handled: (reason) => `Il n’avait besoin d’aucun modèle : ${reason ?? 'il a été réglé à l’arrivée'}.`,
  merged: (other, command) => `Il a reçu la même réponse que ${other ?? 'un autre message'} ; voir : ${command}`,
  authorised: (owner, session) => `Autorisé comme ${owner}, mis en file dans la session ${session}.`,
  waits: (starts) => `Il attend son tour.${starts > 0 ? ` Il avait déjà commencé ${starts} fois.` : ''}`,
  began: (run, model, starts) =>
    `L’exécution ${run} a commencé${model === null ? '' : ` avec ${model}`}.` +
    (starts > 1 ? ` Elle a commencé ${starts} fois : la passerelle s’est arrêtée entre-temps.` : ''),
  unanswered: (model) => `${model} interrogé ; aucune issue n’est notée (en cours, ou coupé par une panne).`,
  answered: (model, took, tokens) =>
    `${model} interrogé ; réponse${took === null ? '' : ` après ${took}`}` +
    `${tokens === null ? '' : ` (${tokens.input} jetons en entrée, ${tokens.output} en sortie)`}.`,
  failed: (model, took, why) => `${model} interrogé ; échec${took === null ? '' : ` après ${took}`} : ${why}.`,
  calls: {
    done: (tool) => `${tool} appelé.`,
    failed: (tool) => `${tool} appelé ; cela a donné une erreur.`,
    asked: (tool) => `Une personne a été interrogée : ${tool} peut-il être appelé ?`,
    approved: (tool) => `Il a permis l’appel de ${tool}, qui a été effectué.`,
    denied: (tool) => `Il a refusé l’appel de ${tool}.`,
  },
  sent: (part, to, attempts, resent) =>
    `La partie ${part} a été remise à ${to}${attempts > 1 ? ` après ${attempts} essais` : ''}` +
    `${resent ? ' ; elle est peut-être arrivée deux fois' : ''}.`,
  uncertain: (part, to, error) =>
    `La partie ${part} est peut-être arrivée sur ${to} ; la réponse de la plateforme s’est perdue : ${error}`,
  undeliverable: (part, to, attempts, error) =>
    `La partie ${part} n’a pas pu être remise à ${to}${attempts > 1 ? ` après ${attempts} essais` : ''} : ${error ?? sansRaison}`,
  planned: (part, to, error) =>
    `La partie ${part} attend de partir vers ${to}${error === null ? '' : ` ; dernier essai : ${error}`}.`,
  growing: (to) => `La réponse grandit sur ${to}.`,
  sending: (part, to) => `La partie ${part} est en cours d’envoi vers ${to}.`,
  reacted: (who, value) => `${who} a réagi avec ${value}.`,
  atWork: 'Il est en cours de traitement.',
  stopped: (error) => `Cela s’est arrêté ici : ${error ?? sansRaison}`,
  givenUp: (error, command) => `Il a été abandonné : ${error ?? sansRaison} Pour réessayer : ${command}`,
  notAllDelivered: 'Il a reçu une réponse, mais tout n’a pas pu être remis.',
  notCertain: 'Il a reçu une réponse ; il n’est pas sûr que tout soit arrivé.',
  deliveryGoesOn: 'Il a reçu une réponse ; la remise est en cours.',
  aborted: 'Il a été arrêté par qui a demandé.',
  answeredAndDelivered: 'Il a reçu une réponse, qui a été remise.',
  answeredOnly: 'Il a reçu une réponse.',
};

export const stories: Readonly<Record<Language, StoryWords>> = { en, de, es, fr };
