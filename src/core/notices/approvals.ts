import type { Language } from '../languages.ts';
import type { ApprovalWords } from './approval-words.ts';

const en: ApprovalWords = {
  effects: {
    read: 'looks at something',
    write: 'changes something of yours',
    send: 'sends text to others',
    spend: 'costs money',
    execute: 'runs code',
  },
  wants: (tool, effects) => `**May I?** I want to use \`${tool}\`, which ${effects.join(' and ')}:`,
  outside: (source) =>
    `I read text that others may have written (${source}), which can try to make me do things. Look closely.`,
  whole: (command) => `Not all of it fits here; \`${command}\` shows the whole.`,
  howToAnswer: (within, seal, command) =>
    `Answer within ${within}; when it is the only question, a plain yes or no is enough${command === null ? '' : `, else \`${command}\``}. (\`${seal}\`)`,
  answerAnywhere: (within, approve, deny) =>
    `A job asks this. Answer within ${within}, in any chat with me: \`${approve}\` or \`${deny}\``,
  ownerAnswers: (within, command, seal) =>
    `An owner has to answer this within ${within}, in a group with me or by \`${command}\`. (\`${seal}\`)`,
  approve: 'Approve',
  deny: 'Deny',
  denied: (tool) => `All right, I do not use \`${tool}\`.`,
  form: (command) => `Answer with the button, or copy the command of the question: \`${command}\``,
  noneOpen: 'No question is open here.',
  unknown: 'There is no such question in this conversation.',
  notYours: 'This question is for somebody else to answer.',
  altered: 'This answer does not fit what was asked, so nothing was done.',
  expired: 'This question has expired, so nothing was done. Ask me again for what you want.',
  answered: (state) => `This question was ${state === 'approved' ? 'approved' : 'denied'} already.`,
  notAllowed: (tool) => `\`${tool}\` is not allowed here any more, so nothing was done.`,
};

const de: ApprovalWords = {
  effects: {
    read: 'etwas ansieht',
    write: 'etwas von dir ändert',
    send: 'Text an andere schickt',
    spend: 'Geld kostet',
    execute: 'Code ausführt',
  },
  wants: (tool, effects) => `**Darf ich?** Ich möchte \`${tool}\` benutzen, was ${effects.join(' und ')}:`,
  outside: (source) =>
    `Ich habe Text gelesen, den andere geschrieben haben können (${source}); solcher Text kann versuchen, mich zu lenken. Sieh genau hin.`,
  whole: (command) => `Nicht alles passt hierher; \`${command}\` zeigt es ganz.`,
  howToAnswer: (within, seal, command) =>
    `Antworte innerhalb von ${within}; ist es die einzige Frage, reicht ein einfaches Ja oder Nein${command === null ? '' : `, sonst \`${command}\``}. (\`${seal}\`)`,
  answerAnywhere: (within, approve, deny) =>
    `Das fragt ein Auftrag. Antworte innerhalb von ${within}, in irgendeinem Chat mit mir: \`${approve}\` oder \`${deny}\``,
  ownerAnswers: (within, command, seal) =>
    `Das muss ein Besitzer innerhalb von ${within} beantworten, in einer Gruppe mit mir oder mit \`${command}\`. (\`${seal}\`)`,
  approve: 'Erlauben',
  deny: 'Ablehnen',
  denied: (tool) => `Gut, ich benutze \`${tool}\` nicht.`,
  form: (command) => `Antworte mit dem Knopf, oder kopiere den Befehl der Frage: \`${command}\``,
  noneOpen: 'Hier ist keine Frage offen.',
  unknown: 'Eine solche Frage gibt es in diesem Gespräch nicht.',
  notYours: 'Diese Frage muss jemand anderes beantworten.',
  altered: 'Diese Antwort passt nicht zu dem, was gefragt war, darum ist nichts geschehen.',
  expired: 'Diese Frage ist abgelaufen, darum ist nichts geschehen. Sag mir noch einmal, was du möchtest.',
  answered: (state) => `Diese Frage wurde schon ${state === 'approved' ? 'mit Ja' : 'mit Nein'} beantwortet.`,
  notAllowed: (tool) => `\`${tool}\` ist hier nicht mehr erlaubt, darum ist nichts geschehen.`,
};

const es: ApprovalWords = {
  effects: {
    read: 'mira algo',
    write: 'cambia algo tuyo',
    send: 'envía texto a otros',
    spend: 'cuesta dinero',
    execute: 'ejecuta código',
  },
  wants: (tool, effects) => `**¿Puedo?** Quiero usar \`${tool}\`, que ${effects.join(' y ')}:`,
  outside: (source) =>
    `He leído texto que otros pueden haber escrito (${source}) y que puede intentar manejarme. Míralo bien.`,
  whole: (command) => `Aquí no cabe todo; \`${command}\` lo muestra entero.`,
  howToAnswer: (within, seal, command) =>
    `Responde antes de ${within}; si es la única pregunta, basta con sí o no${command === null ? '' : `; si no, \`${command}\``}. (\`${seal}\`)`,
  answerAnywhere: (within, approve, deny) =>
    `Lo pregunta una tarea. Responde antes de ${within}, en cualquier chat conmigo: \`${approve}\` o \`${deny}\``,
  ownerAnswers: (within, command, seal) =>
    `Debe responder un dueño antes de ${within}, en un grupo conmigo o con \`${command}\`. (\`${seal}\`)`,
  approve: 'Permitir',
  deny: 'Rechazar',
  denied: (tool) => `De acuerdo, no uso \`${tool}\`.`,
  form: (command) => `Responde con el botón, o copia la orden de la pregunta: \`${command}\``,
  noneOpen: 'Aquí no hay ninguna pregunta abierta.',
  unknown: 'No hay tal pregunta en esta conversación.',
  notYours: 'Esta pregunta debe responderla otra persona.',
  altered: 'Esta respuesta no corresponde a lo que se preguntó, así que no se hizo nada.',
  expired: 'Esta pregunta ha caducado, así que no se hizo nada. Vuelve a pedirme lo que quieres.',
  answered: (state) => `Esta pregunta ya fue ${state === 'approved' ? 'aprobada' : 'rechazada'}.`,
  notAllowed: (tool) => `\`${tool}\` ya no está permitido aquí, así que no se hizo nada.`,
};

const fr: ApprovalWords = {
  effects: {
    read: 'regarde quelque chose',
    write: 'change quelque chose qui est à toi',
    send: 'envoie du texte à d’autres',
    spend: 'coûte de l’argent',
    execute: 'exécute du code',
  },
  wants: (tool, effects) => `**Puis-je ?** Je voudrais utiliser \`${tool}\`, qui ${effects.join(' et ')} :`,
  outside: (source) =>
    `J’ai lu du texte que d’autres ont pu écrire (${source}) et qui peut chercher à me diriger. Regarde bien.`,
  whole: (command) => `Tout ne tient pas ici ; \`${command}\` montre l’ensemble.`,
  howToAnswer: (within, seal, command) =>
    `Réponds dans les ${within} ; si c’est la seule question, oui ou non suffit${command === null ? '' : `, sinon \`${command}\``}. (\`${seal}\`)`,
  answerAnywhere: (within, approve, deny) =>
    `Une tâche le demande. Réponds dans les ${within}, dans n’importe quel chat avec moi : \`${approve}\` ou \`${deny}\``,
  ownerAnswers: (within, command, seal) =>
    `C’est à un propriétaire de répondre dans les ${within}, dans un groupe avec moi ou par \`${command}\`. (\`${seal}\`)`,
  approve: 'Autoriser',
  deny: 'Refuser',
  denied: (tool) => `Bien, je n’utilise pas \`${tool}\`.`,
  form: (command) => `Réponds avec le bouton, ou copie la commande de la question : \`${command}\``,
  noneOpen: 'Aucune question n’est ouverte ici.',
  unknown: 'Il n’y a pas de telle question dans cette conversation.',
  notYours: 'C’est à quelqu’un d’autre de répondre à cette question.',
  altered: 'Cette réponse ne correspond pas à ce qui était demandé, rien n’a donc été fait.',
  expired: 'Cette question a expiré, rien n’a donc été fait. Redis-moi ce que tu veux.',
  answered: (state) => `Cette question a déjà été ${state === 'approved' ? 'acceptée' : 'refusée'}.`,
  notAllowed: (tool) => `\`${tool}\` n’est plus permis ici, rien n’a donc été fait.`,
};

export const approvals: Readonly<Record<Language, ApprovalWords>> = { en, de, es, fr };
