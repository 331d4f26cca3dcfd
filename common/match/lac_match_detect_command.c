/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords on a command's line: as the value of an option, as one of its words, through a pipe.
 */
#include "lac_match_detect.h"

#include <string.h>
#include <strings.h>

#include "lac_match_secret.h"

enum {
    COMMAND_REACH = 200, /* bytes of a command's line to either side of its name */
    KEY_LOGIN_MIN = 20,
};

/* ---- options ---- */

/* Behind the next of the options on the command's line, 0 when there is none; of several the one
 * that is first in the list. All begin with " -" or " /". */
static size_t behind_option(struct lac_str t, size_t at, const char *const *options)
{
    size_t behind = 0, best = SIZE_MAX;

    t = lac_str_slice(t, 0, t.len - at < COMMAND_REACH ? t.len : at + COMMAND_REACH);
    for (size_t i = at; i < t.len; i++) {
        unsigned char c = (unsigned char)t.ptr[i];

        if (!lac_match_is_in(c, " |;\n")) /* nearly always */
            continue;
        /* A backslash in front of it takes a line's end away. */
        if (c == '|' || c == ';' || (c == '\n' && lac_match_before(t, i) != '\\'))
            break;
        for (size_t k = 0;
             lac_match_is_in(lac_match_byte(t, i + 1), "-/") && k < best && options[k]; k++)
            if (lac_str_has_at(t, i + 1, options[k] + 1)) { /* the next line may begin with it */
                behind = i + strlen(options[k]);
                best = k;
            }
    }
    return behind;
}

/* What an option is given: a word, or a text in quotes. */
static struct lac_str option_value(struct lac_str t, size_t at)
{
    size_t end;

    if (lac_match_is_in(lac_match_byte(t, at), "\"'")) {
        char quote = t.ptr[at++];

        end = at;
        while (end < t.len && end - at < COMMAND_REACH && t.ptr[end] != quote && t.ptr[end] != '\n')
            end++;
    } else {
        end = lac_match_run_end(t, at, COMMAND_REACH, lac_match_is_no_blank);
    }
    return lac_str_slice(t, at, end);
}

/* What was found is all of `value`. */
static bool found(struct lac_str t, struct lac_str value, struct lac_match_span *out)
{
    size_t start = (size_t)(value.ptr - t.ptr);

    *out = (struct lac_match_span){start, start + value.len, start + value.len};
    return true;
}

/* <key>: without a password, as interfaces take a key that is all of the login. */
static bool is_key_login(struct lac_str s)
{
    return s.len > 0 && s.ptr[s.len - 1] == ':' &&
           lac_match_key_bytes(s) == s.len - 1 && /* no second colon */
           lac_match_is_random(lac_str_slice(s, 0, s.len - 1), KEY_LOGIN_MIN) &&
           !lac_match_is_placeholder(s);
}

/* curl -u <user>:<password>, lftp -u <user>,<password>, curl -u <key>:. */
bool lac_match_verify_command_login(struct lac_str t, size_t at, unsigned trigger,
                                    struct lac_match_span *out)
{
    static const char *const options[] = {" --user ",       " --user=", " --proxy-user ",
                                          " --proxy-user=", " -u",      NULL};
    size_t option = behind_option(t, at - 1, options);
    struct lac_str value;

    if (option == 0)
        return false;
    value = option_value(t, lac_match_skip_blanks(t, option));
    return (lac_match_is_login(value, ":,"[trigger]) || is_key_login(value)) &&
           !memchr(value.ptr, '/', value.len) && found(t, value, out);
}

/* smbclient -U <user>%<password>, and Samba's other tools: where no '%' stands, they ask. */
bool lac_match_verify_samba_login(struct lac_str t, size_t at, unsigned trigger,
                                  struct lac_match_span *out)
{
    static const char *const options[] = {" -U ", " -U", " --user=", " --user ", NULL};
    size_t option = behind_option(t, at - 1, options);
    struct lac_str value, password;
    const char *percent;

    (void)trigger;
    if (option == 0)
        return false;
    value = option_value(t, lac_match_skip_blanks(t, option));
    percent = value.len ? memchr(value.ptr, '%', value.len) : NULL;
    if (!percent || percent == value.ptr || lac_match_is_in(lac_match_byte(value, 0), "$<%{"))
        return false;
    password = lac_str_slice(value, (size_t)(percent - value.ptr) + 1, value.len);
    return lac_match_is_password(password, true) && found(t, value, out);
}

/* A password, and no further option. */
static bool is_value(struct lac_str s, bool plain)
{
    return lac_match_is_password(s, plain) && lac_match_byte(s, 0) != '-';
}

/* mysql -p<password>, sshpass -p <password>, docker login -p <password>, redis-cli -a <password>,
 * ldapsearch -w <password>, psexec -p <password>, plink -pw <password>, sqlcmd -P<password>, 7z
 * -p<password>, keytool -storepass <password>, xfreerdp /p:<password>, snmpget -A <password> -X
 * <password>. To mysql, what stands apart is the database. */
bool lac_match_verify_command_password(struct lac_str t, size_t at, unsigned trigger,
                                       struct lac_match_span *out)
{
    static const char *const options[][8] = {{" -p"},
                                             {" -p"},
                                             {" -p "},
                                             {" -a "},
                                             {" -w "},
                                             {" -p "},
                                             {" -pw "},
                                             {" -P"},
                                             {" -p"},
                                             {" -storepass ", " -keypass ", " -passin pass:",
                                              " -passout pass:", " -pass pass:", " -k ", " -N "},
                                             {" /p:", " /rp "},
                                             {" -A "},
                                             {" -X "}};
    bool plain = trigger < 2 || trigger > 4;
    size_t option = behind_option(t, at - 1, options[trigger]);
    struct lac_str value;

    if (option == 0 || (trigger == 0 && lac_match_byte(t, option) == ' '))
        return false;
    value = option_value(t, lac_match_skip_blanks(t, option));
    return is_value(value, plain) && found(t, value, out);
}

/* ---- words ---- */

static bool is_word(unsigned c)
{
    return c > ' ' && !(c < 0x80 && lac_match_is_in((unsigned char)c, "|;&<>\"'`"));
}

/* The next word of a command, which moves `*i` behind it; of no bytes where the command ends. */
static struct lac_str next_word(struct lac_str t, size_t *i)
{
    struct lac_str word;

    *i = lac_match_skip_blanks(t, *i);
    if (lac_match_is_in(lac_match_byte(t, *i), "\"'")) {
        word = option_value(t, *i);
        *i += word.len + 1;
        *i += *i < t.len; /* the quote behind it */
        return word;
    }
    word = lac_str_slice(t, *i, lac_match_run_end(t, *i, SIZE_MAX, is_word));
    *i += word.len;
    /* A quote behind a word is that of a text in which the command stands. */
    if (lac_match_is_in(lac_match_byte(t, *i), "\"'`"))
        *i = t.len;
    return word;
}

/* What the words of a command are that this file asks for. */
struct words {
    struct lac_str plain[2], last; /* that are no options: the first two, and the last */
    unsigned count;                /* of those */
    bool options, batch, share;    /* seen: /x; -b among others; \\\\server\\share */
};

static struct words words_of(struct lac_str t, size_t at)
{
    struct words w = {0};
    struct lac_str word;

    t = lac_str_slice(t, 0, t.len - at < COMMAND_REACH ? t.len : at + COMMAND_REACH);
    while ((word = next_word(t, &at)).len > 0) {
        bool share = word.len > 2 && memcmp(word.ptr, "\\\\", 2) == 0;
        bool drive = lac_match_byte(word, 1) == ':' && word.len == 2;

        w.options |= word.ptr[0] == '/';
        w.batch |= word.ptr[0] == '-' && memchr(word.ptr, 'b', word.len);
        w.share |= share;
        if (share || drive || lac_match_is_in((unsigned char)word.ptr[0], "-/"))
            continue;
        if (w.count < 2)
            w.plain[w.count] = word;
        w.last = word;
        w.count++;
    }
    return w;
}

/* Before the blanks that end at `i`, none of them before `low`. */
static size_t skip_back(struct lac_str t, size_t i, size_t low)
{
    return lac_match_skip_back(t, i, " \t", i - low);
}

static bool is_command_name(unsigned c)
{
    return lac_match_is_alnum(c) || c == '.';
}

/* Whether the command whose two words end at `at` is the first on its line, or stands behind a
 * prompt, a quote or another command. In a sentence it doesn't. */
static bool is_first(struct lac_str t, size_t at)
{
    size_t low = at > COMMAND_REACH ? at - COMMAND_REACH : 0;

    for (int word = 0; word < 2; word++)
        at = skip_back(t, lac_match_run_start(t, at, at - low, is_command_name), low);
    return at == 0 || lac_match_is_in((unsigned char)t.ptr[at - 1], "\n>#$\"'`;&(");
}

/* sqlplus <user>/<password>@<database>. */
static struct lac_str oracle_password(struct lac_str login)
{
    const char *slash, *host;
    size_t from;

    if (login.len > 7 && strncasecmp(login.ptr, "userid=", 7) == 0)
        login = lac_str_slice(login, 7, login.len);
    slash = login.len ? memchr(login.ptr, '/', login.len) : NULL;
    if (!slash || slash == login.ptr)
        return (struct lac_str){login.ptr, 0};
    from = (size_t)(slash - login.ptr) + 1;
    host = memrchr(slash, '@', login.len - from + 1);
    return lac_str_slice(login, from, host ? (size_t)(host - login.ptr) : login.len);
}

/* secretsdump.py [<domain>/]<user>:<password>[@<host>]: of the first word with a colon. */
static struct lac_str impacket_password(struct lac_str t, size_t at)
{
    size_t end = t.len - at < COMMAND_REACH ? t.len : at + COMMAND_REACH;
    struct lac_str line = lac_str_slice(t, 0, end), word;

    while ((word = next_word(line, &at)).len > 0) {
        const char *colon = word.ptr[0] == '-' ? NULL : memchr(word.ptr, ':', word.len);
        const char *host;
        size_t from;

        if (!colon)
            continue;
        from = (size_t)(colon - t.ptr) + 1;
        if (lac_match_is_in(lac_match_byte(line, from), "\"'"))
            return option_value(line, from);
        host = memrchr(colon, '@', word.len - (size_t)(colon - word.ptr));
        if (!host && !memchr(word.ptr, '/', (size_t)(colon - word.ptr)))
            break;
        return lac_str_slice(t, from,
                             host ? (size_t)(host - t.ptr) : (size_t)(word.ptr - t.ptr) + word.len);
    }
    return (struct lac_str){t.ptr + at, 0};
}

/* ---- pipes ---- */

/* <command> <<< <word>: the word. */
static struct lac_str here_string(struct lac_str t, size_t at)
{
    for (size_t i = at; i < t.len && i - at < COMMAND_REACH; i++) {
        if (lac_match_is_in((unsigned char)t.ptr[i], "|;\r\n"))
            break;
        if (lac_str_has_at(t, i, "<<<"))
            return option_value(t, lac_match_skip_blanks(t, i + 3));
    }
    return (struct lac_str){t.ptr + at, 0};
}

/* The word before `end`, or what stands in quotes there; `*start` is where that begins. */
static struct lac_str word_before(struct lac_str t, size_t end, size_t low, size_t *start)
{
    size_t i = end;
    char quote;

    if (end == low || !lac_match_is_in((unsigned char)t.ptr[end - 1], "\"'")) {
        *start = lac_match_run_start(t, end, end - low, lac_match_is_no_blank);
        return lac_str_slice(t, *start, end);
    }
    quote = t.ptr[--i];
    end = i;
    while (i > low && t.ptr[i - 1] != quote && t.ptr[i - 1] != '\n')
        i--;
    *start = i > low ? i - 1 : i;
    return lac_str_slice(t, i, end);
}

/* echo <word> | <command>: the word, if `at` is in that command. */
static struct lac_str piped(struct lac_str t, size_t at)
{
    static const char *const writers[] = {"echo", "-n", "-e", "-ne", "-en", "printf"};
    size_t low = at > COMMAND_REACH ? at - COMMAND_REACH : 0, i = at, ignored;
    struct lac_str word, writer;

    while (i > low && !lac_match_is_in((unsigned char)t.ptr[i - 1], "|\n"))
        i--;
    if (i == low || t.ptr[i - 1] != '|')
        return here_string(t, at);
    word = word_before(t, skip_back(t, i - 1, low), low, &i);
    writer = word_before(t, skip_back(t, i, low), low, &ignored);
    for (size_t k = 0; k < LAC_COUNT(writers); k++)
        if (lac_str_is(writer, writers[k]))
            return word;
    return (struct lac_str){word.ptr, 0};
}

/* chpasswd reads <user>:<password>. */
static struct lac_str behind_colon(struct lac_str s)
{
    const char *colon = s.len ? memchr(s.ptr, ':', s.len) : NULL;

    return lac_str_slice(s, colon ? (size_t)(colon - s.ptr) + 1 : s.len, s.len);
}

enum { /* what the triggers of command_argument stand for */
       NET_USER,
       NET_USE,
       HTPASSWD,
       SECOND_WORD,
       FIRST_WORD,
       ORACLE,
       CHPASSWD,
       FROM_STDIN,
       DEVICE,
       IMPACKET,
};

/* enable secret 0 <password>, snmp-server community <name>: a digit says how it is written, and of
 * that only 0 is plain. Others are hashes, which have rules of their own. */
static struct lac_str device_password(const struct words *w)
{
    if (w->count > 1 && w->plain[0].len == 1 && w->plain[0].ptr[0] == '0')
        return w->plain[1];
    return w->count > 0 && w->plain[0].len > 1 ? w->plain[0] : (struct lac_str){0};
}

static struct lac_str argument(struct lac_str t, size_t at, unsigned trigger)
{
    const bool words = trigger < CHPASSWD || trigger == DEVICE;
    const struct words w = words ? words_of(t, at) : (struct words){0};
    const struct lac_str none = {t.ptr + at, 0};

    switch (trigger) {
    case NET_USER:
        return w.count == 2 && (w.options || is_first(t, at - 1)) ? w.plain[1] : none;
    case NET_USE:
        return w.share && w.count > 0 ? w.plain[0] : none;
    case HTPASSWD:
        return w.batch && w.count > 1 ? w.last : none;
    case SECOND_WORD:
        return w.count > 1 ? w.plain[1] : none;
    case FIRST_WORD:
        return w.count > 0 ? w.plain[0] : none;
    case ORACLE:
        return w.count > 0 ? oracle_password(w.plain[0]) : none;
    case DEVICE:
        return device_password(&w);
    case IMPACKET:
        return impacket_password(t, at);
    case CHPASSWD:
        return behind_colon(piped(t, at));
    default:
        return piped(t, at);
    }
}

/* net user <name> <password>, net use <share> <password>, htpasswd -b <file> <user> <password>,
 * rabbitmqctl add_user <name> <password>, sqlplus <user>/<password>, echo <user>:<password> |
 * chpasswd, echo <password> | sudo -S, psexec.py <user>:<password>@<host>; of network devices
 * enable password <password>. */
bool lac_match_verify_command_argument(struct lac_str t, size_t at, unsigned trigger,
                                       struct lac_match_span *out)
{
    struct lac_str value = argument(t, at, trigger);

    return is_value(value, trigger != NET_USER && trigger != DEVICE) && found(t, value, out);
}
