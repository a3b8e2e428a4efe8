import type { Language } from '../languages.ts';
import type { AccessWords } from './access-words.ts';

const en: AccessWords = {
  notForYou: 'You may talk to me here, but not use this command.',
  alsoYou: 'You are also:',
  ask: ({ code, approve, command }) =>
    `I do not know you yet. To be let in, give this code to the owner of this bot within an hour: ${code}\n\n` +
    `The owner sends me ${approve} or runs: ${command}\n\n` +
    'If I know you on another platform, send me /pair there, and here what you get.',
  knock: (who) => `${who} asks to talk to me and was shown a code. Let them in only if you know that it is them.`,
  letIn: 'Let in',
  reject: 'Reject',
  welcome: 'You are let in: write to me. /help lists what I understand.',
  becameYou: (who) => `${who} sent your code and is you from now on. If that was not you, tell the owner of this bot.`,
  offer: (send) =>
    `Send me this from your other chat within an hour: \`${send}\`\n\nWhoever sends it becomes you: give it to nobody.`,
  linked: 'Done: here and where the code came from you are the same person to me. /whoami shows what I know.',
  wrongCode: 'This code is wrong or has expired. Send me /pair in your other chat for a new one.',
  ownCode: 'Send this code from your other chat, not from the one that asked for it.',
  outranked: 'In this chat you may do more than in the other one. Send me /pair here, and there the code you get.',
  cannotLetIn: 'Who asked for this code cannot let anybody in.',
  tooManyAttempts: 'Too many wrong codes; try again in ten minutes.',
  codeForm: 'A code has eight letters and digits: /pair ABCD-EFGH',
  onlyDirect: 'Codes are not for groups: write to me in a direct chat.',
  burnt: 'Others could read this code, so it is void now.',
  guestsCannot: 'Guests cannot do this. If I gave you a code elsewhere, send /pair and the code.',
  onlyOwners: 'Only an owner can let people in.',
  isLetIn: (who, before) => `\`${who}\` ${before ? 'was let in already' : 'is let in'}.`,
  isRejected: (who, before) => `\`${who}\` ${before ? 'was rejected already' : 'is rejected'}.`,
  noSuchRequest: 'Nobody who asked to be let in has this code.',
  requestExpired: 'This code has expired; who has it must write to me again.',
  alreadyRejected: 'This request was rejected and stays so.',
};

const de: AccessWords = {
  notForYou: 'Du darfst hier mit mir reden, aber diesen Befehl nicht benutzen.',
  alsoYou: 'Du bist auch:',
  ask: ({ code, approve, command }) =>
    `Ich kenne dich noch nicht. Gib dem Besitzer dieses Bots innerhalb einer Stunde diesen Code: ${code}\n\n` +
    `Der Besitzer schickt mir ${approve} oder führt aus: ${command}\n\n` +
    'Kenne ich dich auf einer anderen Plattform, dann schick mir dort /pair, und hier, was du bekommst.',
  knock: (who) =>
    `${who} möchte mit mir reden und hat einen Code bekommen. Lass nur herein, wen du wirklich erkannt hast.`,
  letIn: 'Hereinlassen',
  reject: 'Ablehnen',
  welcome: 'Du bist hereingelassen: schreib mir. /help zeigt, was ich verstehe.',
  becameYou: (who) =>
    `${who} hat deinen Code geschickt und gilt ab jetzt als du. Warst das nicht du, sag es dem Besitzer dieses Bots.`,
  offer: (send) =>
    `Schick mir das innerhalb einer Stunde aus deinem anderen Chat: \`${send}\`\n\nWer es schickt, gilt als du: gib es niemandem.`,
  linked:
    'Fertig: hier und dort, woher der Code kam, bist du für mich dieselbe Person. /whoami zeigt, was ich von dir weiß.',
  wrongCode: 'Dieser Code ist falsch oder abgelaufen. Schick mir in deinem anderen Chat /pair für einen neuen.',
  ownCode: 'Schick diesen Code aus deinem anderen Chat, nicht aus dem, der ihn verlangt hat.',
  outranked:
    'In diesem Chat darfst du mehr als in dem anderen. Schick mir hier /pair, und dort den Code, den du bekommst.',
  cannotLetIn: 'Wer diesen Code verlangt hat, kann niemanden hereinlassen.',
  tooManyAttempts: 'Zu viele falsche Codes; versuch es in zehn Minuten wieder.',
  codeForm: 'Ein Code hat acht Buchstaben und Ziffern: /pair ABCD-EFGH',
  onlyDirect: 'Codes sind nichts für Gruppen: schreib mir in einem direkten Chat.',
  burnt: 'Andere konnten diesen Code lesen, darum gilt er nicht mehr.',
  guestsCannot: 'Das können Gäste nicht. Habe ich dir anderswo einen Code gegeben, schick /pair und den Code.',
  onlyOwners: 'Nur ein Besitzer kann andere hereinlassen.',
  isLetIn: (who, before) => `\`${who}\` ${before ? 'war schon hereingelassen' : 'ist hereingelassen'}.`,
  isRejected: (who, before) => `\`${who}\` ${before ? 'war schon abgelehnt' : 'ist abgelehnt'}.`,
  noSuchRequest: 'Niemand, der herein möchte, hat diesen Code.',
  requestExpired: 'Dieser Code ist abgelaufen; wer ihn hat, muss mir noch einmal schreiben.',
  alreadyRejected: 'Diese Anfrage wurde abgelehnt, und dabei bleibt es.',
};

const es: AccessWords = {
  notForYou: 'Aquí puedes hablar conmigo, pero no usar esta orden.',
  alsoYou: 'También eres:',
  ask: ({ code, approve, command }) =>
    `Todavía no te conozco. Para entrar, da este código al dueño de este bot antes de una hora: ${code}\n\n` +
    `El dueño me envía ${approve} o ejecuta: ${command}\n\n` +
    'Si te conozco en otra plataforma, envíame allí /pair y aquí lo que recibas.',
  knock: (who) => `${who} pide hablar conmigo y ha recibido un código. Deja entrar solo a quien de verdad reconozcas.`,
  letIn: 'Dejar entrar',
  reject: 'Rechazar',
  welcome: 'Ya puedes entrar: escríbeme. /help muestra lo que entiendo.',
  becameYou: (who) => `${who} envió tu código y desde ahora eres tú. Si no fuiste tú, díselo al dueño de este bot.`,
  offer: (send) =>
    `Envíame esto desde tu otro chat antes de una hora: \`${send}\`\n\nQuien lo envíe pasará a ser tú: no se lo des a nadie.`,
  linked: 'Hecho: aquí y donde se pidió el código eres la misma persona para mí. /whoami muestra lo que sé.',
  wrongCode: 'Este código es incorrecto o ha caducado. Envíame /pair en tu otro chat para obtener uno nuevo.',
  ownCode: 'Envía este código desde tu otro chat, no desde el que lo pidió.',
  outranked: 'En este chat puedes hacer más que en el otro. Envíame /pair aquí, y allí el código que recibas.',
  cannotLetIn: 'Quien pidió este código no puede dejar entrar a nadie.',
  tooManyAttempts: 'Demasiados códigos incorrectos; inténtalo de nuevo en diez minutos.',
  codeForm: 'Un código tiene ocho letras y cifras: /pair ABCD-EFGH',
  onlyDirect: 'Los códigos no son para grupos: escríbeme en un chat directo.',
  burnt: 'Otros pudieron leer este código, así que ya no vale.',
  guestsCannot: 'Los invitados no pueden hacerlo. Si te di un código en otro sitio, envía /pair y el código.',
  onlyOwners: 'Solo un dueño puede dejar entrar a otros.',
  isLetIn: (who, before) => `\`${who}\` ${before ? 'ya podía entrar' : 'puede entrar'}.`,
  isRejected: (who, before) => `\`${who}\` ${before ? 'ya fue rechazado' : 'queda rechazado'}.`,
  noSuchRequest: 'Nadie que haya pedido entrar tiene este código.',
  requestExpired: 'Este código ha caducado; quien lo tenga debe escribirme otra vez.',
  alreadyRejected: 'Esta petición fue rechazada y así se queda.',
};

const fr: AccessWords = {
  notForYou: 'Tu peux me parler ici, mais pas utiliser cette commande.',
  alsoYou: 'Tu es aussi :',
  ask: ({ code, approve, command }) =>
    `Je ne te connais pas encore. Pour entrer, donne ce code au propriétaire de ce bot dans l’heure : ${code}\n\n` +
    `Le propriétaire m’envoie ${approve} ou exécute : ${command}\n\n` +
    'Si je te connais sur une autre plateforme, envoie-moi /pair là-bas, et ici ce que tu reçois.',
  knock: (who) =>
    `${who} demande à me parler et a reçu un code. Ne laisse entrer que quelqu’un que tu as vraiment reconnu.`,
  letIn: 'Laisser entrer',
  reject: 'Refuser',
  welcome: 'Tu peux entrer : écris-moi. /help montre ce que je comprends.',
  becameYou: (who) =>
    `${who} a envoyé ton code et est désormais toi. Si ce n’était pas toi, dis-le au propriétaire de ce bot.`,
  offer: (send) =>
    `Envoie-moi ceci depuis ton autre chat dans l’heure : \`${send}\`\n\nQui l’envoie devient toi : ne le donne à personne.`,
  linked: 'C’est fait : ici et là d’où vient le code, tu es la même personne. /whoami montre ce que je sais.',
  wrongCode: 'Ce code est faux ou a expiré. Envoie-moi /pair dans ton autre chat pour en obtenir un nouveau.',
  ownCode: 'Envoie ce code depuis ton autre chat, pas depuis celui qui l’a demandé.',
  outranked: 'Dans ce chat tu peux faire plus que dans l’autre. Envoie /pair ici, et là-bas le code que tu reçois.',
  cannotLetIn: 'Qui a demandé ce code ne peut laisser entrer personne.',
  tooManyAttempts: 'Trop de codes faux ; réessaie dans dix minutes.',
  codeForm: 'Un code a huit lettres et chiffres : /pair ABCD-EFGH',
  onlyDirect: 'Les codes ne sont pas pour les groupes : écris-moi dans un chat direct.',
  burnt: 'D’autres ont pu lire ce code, il ne vaut donc plus rien.',
  guestsCannot: 'Les invités ne peuvent pas faire cela. Si je t’ai donné un code ailleurs, envoie /pair et le code.',
  onlyOwners: 'Seul un propriétaire peut laisser entrer quelqu’un.',
  isLetIn: (who, before) => `\`${who}\` ${before ? 'pouvait déjà entrer' : 'peut entrer'}.`,
  isRejected: (who, before) => `\`${who}\` ${before ? 'était déjà refusé' : 'est refusé'}.`,
  noSuchRequest: 'Personne qui ait demandé à entrer n’a ce code.',
  requestExpired: 'Ce code a expiré ; qui l’a doit m’écrire de nouveau.',
  alreadyRejected: 'Cette demande a été refusée et le reste.',
};

export const access: Readonly<Record<Language, AccessWords>> = { en, de, es, fr };
