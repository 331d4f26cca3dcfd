/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: keys and tokens are found where they stand and to the byte; those with an inner structure
 * are decided by it, the others have to look random. Method: tables of texts per detector and of
 * tokens per validator, each near miss differing in one thing.
 */
#include "lac_match.h"

#include <stdio.h>

#include "lac_match_secret.h"
#include "lac_match_validate.h"
#include "lac_test.h"
#include "match_detect_fixture.h"

/* Longer than what is read of a value, and with a sign that no key begins with: a template's, or
 * one of an address. */
static void long_values_that_begin_with_a_sign_are_found_whole(void)
{
    enum { LONG = 400 };
    struct fixture_row row = {0};
    char text[LONG + 64], found[LONG + 1];

    found[0] = '%';
    for (uint32_t i = 1, x = 1; i < LONG; i++, x = x * 1103515245 + 12345)
        found[i] = "k3J9dLq0Zx7Tn2VbY5cWpR8sMf4H"[(x >> 16) % 28];
    found[40] = found[90] = '.';
    found[LONG] = '\0';
    snprintf(text, sizeof(text), "{ client_secret: \"%s\" }", found);
    row = (struct fixture_row){text, found};
    fixture_detect("secret_value", &row, 1);
}

static void keys_and_tokens_need_to_look_random(void)
{
    static const struct fixture_row secrets[] = {
        {"client_secret: \"k3J9dLq0Zx7Tn2VbY5cW\"", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"secret key: k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"--client-secret k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"signingKey=0f9a3c5e7b1d2846af90c3e5", "0f9a3c5e7b1d2846af90c3e5"},
        {"secretName: my-app-tls-secret-2", ""},
        {"secret: kubernetes-dashboard-v2-certs", ""},
        {"client_secret: short1A", ""},
        {"secret = vault.read(\"k3J9dLq0Zx7Tn2VbY5cW\")", ""},
        {"the secret is k3J9d", ""},
        {"std::string client_secret{\"k3J9dLq0Zx7Tn2VbY5cW\"};", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"client_secret{k3J9dLq0Zx7Tn2VbY5cW}", ""},
        {"| clientSecret | k3J9dLq0Zx7Tn2VbY5cW |", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"| clientSecret | k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"jwt_secret: \"k>qX??]G&3CF=;@vyrVBp\"", "k>qX??]G&3CF=;@vyrVBp"},
        {"jwt_secret: \"k>qX??]G&3CF=;@vyr\xC2\xA7VBp\"", ""}, /* a letter of words */
        {"jwt_secret: \"k>qX??]G&3CF=;@vyxrwBp\"", ""},        /* five in a row */
        {"jwt_secret: \"k>qX??]G&;@vyrVBp,RF\"", ""},          /* no digit */
        {"jwt_secret: \"(?:[A-F3]|%[c-f]{2}):X;v@y\"", ""},
        {"client_secret=&next=1", ""}, /* of an address, and empty */
    };
    static const struct fixture_row keys[] = {
        {"X-Api-Key: 0f9a3c5e7b1d2846af90c3e5", "0f9a3c5e7b1d2846af90c3e5"},
        {"?api_key=k3J9dLq0Zx7Tn2VbY5cW&x=1", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"my api key is k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"getApiKey() = k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"api_key_id: k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"add_argument(\"--api-key\", type=str, default=\"k3J9dLq0Zx7Tn2VbY5cW\")",
         "k3J9dLq0Zx7Tn2VbY5cW"},
        {"add_argument(\"--api-key\", help=f(default=\"x\")), default=\"k3J9dLq0Zx7Tn2VbY5cW\")",
         ""},
        {"add_argument(\"--api-key\", nodefault=\"k3J9dLq0Zx7Tn2VbY5cW\")", ""},
        {"add_argument(\"--api-key\", default=k3J9dLq0Zx7Tn2VbY5cW)", ""},
        {"API_KEY=\"${API_KEY:-k3J9dLq0Zx7Tn2VbY5cW}\"", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"<meta name=\"api-key\" content=\"k3J9dLq0Zx7Tn2VbY5cW\">", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"API key (production): k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"API key for production = k3J9dLq0Zx7Tn2VbY5cW", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"API key (production) k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"API key for production, k3J9dLq0Zx7Tn2VbY5cW", ""},
        {"String getApiKey() {\n  return \"k3J9dLq0Zx7Tn2VbY5cW\";\n}", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"def api_key(self) -> str:\n    return 'k3J9dLq0Zx7Tn2VbY5cW'", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"getApiKey(); return \"k3J9dLq0Zx7Tn2VbY5cW\";", ""},
        {"getApiKey(x) { return y(\"k3J9dLq0Zx7Tn2VbY5cW\"); }", ""},
        {"apiKey: process.env.ACME_API_KEY_1A2b3C", ""},
    };
    static const struct fixture_row tokens[] = {
        {"access_token: 'k3J9dLq0Zx7Tn2VbY5cW'", "k3J9dLq0Zx7Tn2VbY5cW"},
        {"nextPageToken: 'k3J9dLq0Zx7Tn2VbY5cW'", ""},
        {"csrf_token: 'k3J9dLq0Zx7Tn2VbY5cW'", ""},
        {"token_expires: 2026-11-21T10:00:00Z", ""},
        {"token: the-quick-brown-fox-jumps", ""},
        {"max_tokens: 4096", ""},
        {"api_token: &anchor", ""},
        {"token: 'AcmeAccessTokenHere3B4cQ'", ""},
    };

    fixture_detect("secret_value", secrets, LAC_COUNT(secrets));
    fixture_detect("api_key_value", keys, LAC_COUNT(keys));
    fixture_detect("token_value", tokens, LAC_COUNT(tokens));
}

#define JWT_HEADER    "eyJhbGciOiJIUzI1NiJ9" /* {"alg":"HS256"} */
#define JWT_PAYLOAD   "eyJzdWIiOiJhbm5hIn0"  /* {"sub":"anna"} */
#define JWT_SIGNATURE "Zk3vQ8xLr0TnWb7YcPd2"

static void tokens_are_decided_by_what_they_decode_to(void)
{
    static const struct fixture_row jwt[] = {
        {"t=" JWT_HEADER "." JWT_PAYLOAD "." JWT_SIGNATURE ";",
         JWT_HEADER "." JWT_PAYLOAD "." JWT_SIGNATURE},
        {JWT_HEADER "." JWT_PAYLOAD ". Next", JWT_HEADER "." JWT_PAYLOAD "."},
        {JWT_HEADER "." JWT_PAYLOAD, ""},
        {JWT_HEADER "." JWT_SIGNATURE "." JWT_SIGNATURE, ""},
        {JWT_PAYLOAD "." JWT_PAYLOAD "." JWT_SIGNATURE, ""}, /* no "alg" */
        {JWT_HEADER "." JWT_PAYLOAD ".short", ""},
        {"eyJ", ""},
        {"eyJhbGci", ""},
    };
    static const struct fixture_row jwk[] = {
        {"k {\"kty\":\"EC\",\"d\":\"Zk3vQ8xLr0TnWb7YcPd2MhJf5GsUe1Ao\"}.",
         "{\"kty\":\"EC\",\"d\":\"Zk3vQ8xLr0TnWb7YcPd2MhJf5GsUe1Ao\"}"},
        {"{\"d\" : \"Zk3vQ8xLr0TnWb7YcPd2\", \"kty\": \"OKP\"}",
         "{\"d\" : \"Zk3vQ8xLr0TnWb7YcPd2\", \"kty\": \"OKP\"}"},
        {"{\"kty\":\"EC\",\"x\":\"Zk3vQ8xLr0TnWb7YcPd2\"}", ""},
        {"{\"kty\":\"EC\",\"d\":\"short\"}", ""},
        {"{\"id\":\"Zk3vQ8xLr0TnWb7YcPd2\",\"kty\":\"EC\"}", ""},
    };
    static const struct fixture_row telegram[] = {
        {"https://api.telegram.org/bot7219384650:AAHk3mZ_qT7vLx0cYp2NwRb9eJd5GsUf1Xo/getMe",
         "7219384650:AAHk3mZ_qT7vLx0cYp2NwRb9eJd5GsUf1Xo"},
        {"7219384650:AAHk3mZ_qT7vLx0cYp2NwRb9eJd5GsUf1Xo1", ""},
        {"219384:AAHk3mZ_qT7vLx0cYp2NwRb9eJd5GsUf1Xo", ""},
    };
    static const struct fixture_row openai[] = {
        {"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",
         "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"},
        {"sk-Ab1Cd2Ef3Gh4Ij5Kl6MnT3BlbkFKOp7Qr8St9Uv0Wx1Yz2Ab", ""},
        {"sk-Ab1CT3BlbkFJOp7Qr8St9Uv0Wx1Yz2Ab", ""},
        {"sk-admin-Ab1Cd2Ef3Gh4Ij5Kl6MnT3BlbkFJOp7Qr8St9Uv0Wx1Yz2Ab", ""},
    };
    static const struct fixture_row seed[] = {
        {"seed phrase: one two three four five six seven eight nine ten eleven twelve.",
         "one two three four five six seven eight nine ten eleven twelve"},
        {"seed phrase: one two three four five six seven eight nine ten eleven", ""},
        {"seed phrase: one two three four five six seven eight nine ten eleven twelve or so", ""},
    };

    static const struct fixture_row dropbox[] = {
        {"t=sl.u." FIXTURE_LONG FIXTURE_LONG ";", "sl.u." FIXTURE_LONG FIXTURE_LONG},
        {"sl." FIXTURE_LONG FIXTURE_LONG, "sl." FIXTURE_LONG FIXTURE_LONG},
        {"sl." FIXTURE_LONG, ""},
        {"html.sl.u.class", ""},
    };
    static const struct fixture_row pkcs8[] = {
        {"\"MIIEvAIBADANBgkqhkiG9w0BAQEFAASC" FIXTURE_LONG "==\"",
         "MIIEvAIBADANBgkqhkiG9w0BAQEFAASC" FIXTURE_LONG "=="},
        {"MIIEvAIBADANBgkqhkiG9w0BAQEFAASC", ""},
        {"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" FIXTURE_LONG, ""},
    };

    fixture_detect("dropbox_token", dropbox, LAC_COUNT(dropbox));
    fixture_detect("pkcs8_key", pkcs8, LAC_COUNT(pkcs8));
    fixture_detect("jwt", jwt, LAC_COUNT(jwt));
    fixture_detect("jwk", jwk, LAC_COUNT(jwk));
    fixture_detect("telegram_token", telegram, LAC_COUNT(telegram));
    fixture_detect("openai_key", openai, LAC_COUNT(openai));
    fixture_detect("seed_phrase", seed, LAC_COUNT(seed));
}

#define W64      "mQ3+vZa8/Kc1XyLw9Rt5Bn7Jd2Hs6Fg0TpUeIoAVkCxNqYzMWbErGhDjSlPf4OiC"
#define W10(eol) W64 eol W64 eol W64 eol W64 eol W64 eol W64 eol W64 eol W64 eol W64 eol W64
#define PPK(eol)                                                                                 \
    "PuTTY-User-Key-File-3: ssh-rsa" eol "Encryption: aes256-cbc" eol "Comment: eve's, 2026" eol \
    "Public-Lines: 11" eol                                                                       \
    W10(eol) eol "mQ3+vZa8/Kc1==" eol "Key-Derivation: Argon2id" eol "Argon2-Memory: 8192" eol   \
                 "Argon2-Passes: 21" eol "Argon2-Parallelism: 1" eol                             \
                 "Argon2-Salt: 3bf1d9a0c4e2876a51fd0b93e7c8a246" eol                             \
                 "Private-Lines: 10" eol W10(eol) eol                                            \
        "Private-MAC: 6f1ad09be24c7358b0d1e6f2a94c8375d0be16f3a27c94e85d10b63fa9e2c748"
#define OVPN "-----BEGIN OpenVPN tls-crypt-v2 client key-----"
#define SSH2 "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"
#define PEM  "-----BEGIN RSA PRIVATE KEY-----"

static void keys_are_found_whole_whatever_their_length(void)
{
    static const struct fixture_row putty[] = {
        {"see\n" PPK("\n") "\nand more", PPK("\n")},
        {PPK("\r\n") "\r\n", PPK("\r\n")},
        {"{\"ppk\": \"" PPK("\\n") "\\n\"}", PPK("\\n")},
        {"    " PPK("\n    ") "\n", PPK("\n    ")},
        {"PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: x\nPrivate-Lines: 3\n" W64
         "\nas said",
         "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: x\nPrivate-Lines: 3\n" W64},
        {"Private-Lines: 10\n" W10("\n") "\nPrivate-Hash: 0a4e\nbye",
         "Private-Lines: 10\n" W10("\n") "\nPrivate-Hash: 0a4e"},
        {"Private-Lines: 2\n" W10("\n"), "Private-Lines: 2\n" W64 "\n" W64},
        {"Private-Lines: 3\n" W64 "\nPrivate-MAC: 0a4e",
         "Private-Lines: 3\n" W64 "\nPrivate-MAC: 0a4e"},
        {"Private-Lines: 3\nPrivate-MAC: 0a4e", ""},
        {"Private-Lines: 0\n" W64, ""},
        {"Private-Lines: many\n" W64, ""},
        {"PuTTY-User-Key-File-2: ssh-rsa\nComment: x\nEncryption: none\n", ""},
        {"PuTTY-User-Key-File-2: ssh-rsa Encryption: none Comment: x", ""},
    };
    static const struct fixture_row openvpn[] = {
        {"<tls-crypt-v2>\n" OVPN
         "\n" W10("\n") "\nRg==\n-----END OpenVPN tls-crypt-v2 client key-----"
                        "\n</tls-crypt-v2>",
         OVPN "\n" W10("\n") "\nRg==\n-----END OpenVPN tls-crypt-v2 client key-----"},
        {OVPN "\\n" W10("\\n") "\\nRg==\"", OVPN "\\n" W10("\\n")},
        {OVPN " " W10(" ") " and so on", OVPN " " W10(" ")},
        {OVPN "\n" W64 "\n-----BEGIN", OVPN "\n" W64},
        {OVPN "\n\n" W64 "\n\n" W64 "\n\nmQ3+\n", OVPN "\n\n" W64 "\n\n" W64},
        {OVPN "\n" W64 "\n\nAKIAQ3EGRZQ7WNTB4XKP\n", OVPN "\n" W64},
        {OVPN "\n" W64 "\nkey AKIAQ3EGRZQ7WNTB4XKP\n", OVPN "\n" W64},
        {OVPN "\n<key>", ""},
        {OVPN, ""},
    };
    static const struct fixture_row ssh2[] = {
        {SSH2 "\nSubject: eve\nComment: \"2048-bit rsa\"\n" W10("\n") "\n---- END SSH2 ENCRYPTED "
                                                                      "PRIVATE KEY ----\n",
         SSH2 "\nSubject: eve\nComment: \"2048-bit rsa\"\n" W10(
             "\n") "\n---- END SSH2 ENCRYPTED PRIVATE KEY ----"},
        {SSH2 "\nComment: \"work key\"\n", ""},
        {"---- BEGIN SSH2 PUBLIC KEY ----\n" W64, ""},
    };
    static const struct fixture_row pem[] = {
        {PEM "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" W10("\n") "\n",
         PEM "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" W10("\n")},
        {PEM "\n" W64 "\n\nkey AKIAQ3EGRZQ7WNTB4XKP\n", PEM "\n" W64},
        {PEM "\\n" W10("\\n") "\", next", PEM "\\n" W10("\\n")},
        {PEM "\\\\n" W10("\\\\n") "\\\\n...", PEM "\\\\n" W10("\\\\n")},
    };

    fixture_detect("putty_key", putty, LAC_COUNT(putty));
    fixture_detect("openvpn_key", openvpn, LAC_COUNT(openvpn));
    fixture_detect("ssh2_key", ssh2, LAC_COUNT(ssh2));
    fixture_detect("private_key", pem, LAC_COUNT(pem));
}

static void checksums_of_keys_hold(void)
{
    static const struct {
        lac_match_validate *validate;
        const char *text;
        bool valid;
    } rows[] = {
        /* en.bitcoin.it, Wallet import format */
        {lac_match_validate_wif, "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", true},
        {lac_match_validate_wif, "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK", false},
        {lac_match_validate_wif, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", false},
        /* BIP 32, test vector 1 */
        {lac_match_validate_extended_key,
         "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNN"
         "U3TGtRBeJgk33yuGBxrMPHi",
         true},
        {lac_match_validate_extended_key,
         "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNN"
         "U3TGtRBeJgk33yuGBxrMPHj",
         false},
        /* the public key of the same: no private one */
        {lac_match_validate_extended_key,
         "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD2"
         "65TMg7usUDFdp6W1EGMcet8",
         false},
        /* NIP-19 */
        {lac_match_validate_nostr_key,
         "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5", true},
        {lac_match_validate_nostr_key,
         "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe6", false},
        /* SEP 23 has public keys only; this is of stellar.org's Friendbot tutorial */
        {lac_match_validate_stellar_seed,
         "SAV76USXIJOBMEQXPANUOQM6F5LIOTLPDIDVRJBFFE2MDJXG24TAPUU7", true},
        {lac_match_validate_stellar_seed,
         "SAV76USXIJOBMEQXPANUOQM6F5LIOTLPDIDVRJBFFE2MDJXG24TAPUU6", false},
        {lac_match_validate_stellar_seed,
         "SAV76USXIJOBMEQXPANUOQM6F5LIOTLPDIDVRJBFFE2MDJXG24TAPUU7A", false},
        /* of the README of nats-io/nkeys */
        {lac_match_validate_nkey_seed, "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
         true},
        {lac_match_validate_nkey_seed, "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VQ",
         false},
        {lac_match_validate_nkey_seed, "SAV76USXIJOBMEQXPANUOQM6F5LIOTLPDIDVRJBFFE2MDJXG24TAPUU7",
         false},
        {lac_match_validate_mixed_case, "aB3", true},
        {lac_match_validate_mixed_case, "ab3", false},
        {lac_match_validate_letter_digit, "ab3", true},
        {lac_match_validate_letter_digit, "abc", false},
        {lac_match_validate_last_word, "machine a login b password Kq7mLp2", true},
        {lac_match_validate_last_word, "machine a login b password changeme", false},
        {lac_match_validate_last_quoted, "connect('a', 'b', 'Kq7mLp2')", false},
        {lac_match_validate_last_quoted, "connect('a', 'b', 'Kq7mLp2'", true},
        {lac_match_validate_last_quoted, "connect('a', 'b', '$Kq7mLp2'", false},
        {lac_match_validate_last_quoted, "connect('a', 'b', 'changeme'", false},
        {lac_match_validate_last_quoted, "connect('a', 'b', 'sunflower'", false},
        {lac_match_validate_said_password, "password Qr7!dke#39.", true},
        {lac_match_validate_said_password, "password is 'Start@2025'", true},
        {lac_match_validate_said_password, "password Base64-encoded", false},
        {lac_match_validate_said_password, "password a1!bcd", true},
        {lac_match_validate_said_password, "password a1!bc", false},
        {lac_match_validate_said_password, "password anna99@acme.test", false},
        {lac_match_validate_said_password, "password hash(user1)!", false},
        {lac_match_validate_said_password, "password $db1!pass", false},
        {lac_match_validate_said_password, "password sunflower!", false},
        {lac_match_validate_said_password, "password 20251122!", false},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(rows[i].validate(lac_str_from(rows[i].text)), rows[i].valid);
    }
}

static void json_objects_are_told_from_what_resembles_them(void)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"{}", true},
        {" { \"a\" : 1 } ", true},
        {"{\"a\":[1,{\"b\":[]},\"x\\\"y\"],\"c\":null,\"d\":-1.5e3}", true},
        {"[]", false},
        {"{", false},
        {"{}}", false},
        {"{\"a\"}", false},
        {"{\"a\":}", false},
        {"{\"a\":1,}", false},
        {"{\"a\":[1}", false},
        {"{\"a\":1]", false},
        {"{a:1}", false},
        {"{\"a\":nul}", false},
        {"{\"a\":\"x", false},
        {"", false},
    };
    char deep[160];

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(lac_match_is_json_object(lac_str_from(rows[i].text)), rows[i].valid);
    }
    for (size_t depth = 31; depth <= 32; depth++) {
        size_t n = (size_t)snprintf(deep, sizeof(deep), "{\"a\":");

        for (size_t i = 0; i < depth; i++)
            deep[n++] = '[';
        for (size_t i = 0; i < depth; i++)
            deep[n++] = ']';
        deep[n++] = '}';
        LAC_TEST_EQ(lac_match_is_json_object((struct lac_str){deep, n}), depth == 31);
    }
}

LAC_TEST_MAIN(match_token, keys_and_tokens_need_to_look_random,
              long_values_that_begin_with_a_sign_are_found_whole,
              tokens_are_decided_by_what_they_decode_to, keys_are_found_whole_whatever_their_length,
              checksums_of_keys_hold, json_objects_are_told_from_what_resembles_them)
