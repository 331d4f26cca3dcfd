/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: products in 8 bits are near those of floats whatever their size, the same bits on every
 * processor, and a number that sticks out costs the others little. */
#include "cpu/lac_encode_cpu_int8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lac_compiler.h"
#include "lac_test.h"

/* Rows and outputs: whole and partial blocks of every form. */
enum { ROWS = 13, WIDTH = 45, IN_MOST = 1536 };

struct product {
    size_t in;
    float weights[WIDTH * IN_MOST], bias[WIDTH], x[ROWS * IN_MOST];
    double want[ROWS * WIDTH];
    struct lac_encode_cpu_weights8 *packed;
};

static float any(float scale)
{
    return ((float)lac_test_random(2000001) / 1000000 - 1) * scale;
}

/* With x filled already. */
static void make_rest(struct product *p, size_t in, const struct lac_encode_cpu_usual *usual)
{
    struct lac_err err = {0};

    p->in = in;
    for (size_t i = 0; i < WIDTH * in; i++)
        p->weights[i] = any(0.1f);
    for (size_t o = 0; o < WIDTH; o++)
        p->bias[o] = any(1);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t o = 0; o < WIDTH; o++) {
            double sum = (double)p->bias[o];
            for (size_t k = 0; k < in; k++)
                sum += (double)p->x[r * in + k] * (double)p->weights[o * in + k];
            p->want[r * WIDTH + o] = sum;
        }
    LAC_TEST_EQ(
        lac_encode_cpu_weights8_open(&p->packed, in, WIDTH, p->weights, p->bias, usual, &err),
        LAC_OK);
    LAC_TEST_NEED(p->packed);
}

static void multiply(const struct lac_encode_cpu_int8 *form, const struct product *p, bool gelu,
                     float out[ROWS * WIDTH])
{
    size_t row = p->packed->groups * LAC_ENCODE_CPU_GROUP;
    struct lac_encode_cpu_range ranges[ROWS];
    uint8_t *bytes = malloc(ROWS * row);
    float *room = malloc(p->in * sizeof *room);

    LAC_TEST_NEED(bytes && room);
    for (size_t r = 0; r < ROWS; r++)
        ranges[r] = form->round(bytes + r * row, p->x + r * p->in, p->packed, room);
    form->multiply(p->packed, ROWS, bytes, ranges, out, gelu);
    free(bytes);
    free(room);
}

/* Root of the mean square of what `got` is off. */
static double error_of(const struct product *p, const float *got)
{
    double sum = 0;

    for (size_t i = 0; i < ROWS * WIDTH; i++)
        sum += ((double)got[i] - p->want[i]) * ((double)got[i] - p->want[i]);
    return sqrt(sum / (ROWS * WIDTH));
}

static double size_of(const struct product *p)
{
    double sum = 0;

    for (size_t i = 0; i < ROWS * WIDTH; i++)
        sum +=
            (p->want[i] - (double)p->bias[i % WIDTH]) * (p->want[i] - (double)p->bias[i % WIDTH]);
    return sqrt(sum / (ROWS * WIDTH));
}

/* Every size of a group of vectors, with inputs beyond the last vector and without. */
static const size_t sizes[] = {1,   3,   15,  16,  17,  32,  48,  64,  70,   96,
                               128, 200, 256, 261, 384, 512, 519, 768, 1024, 1536};

static void products_are_near_those_of_floats(void)
{
    struct product *p = calloc(1, sizeof *p);
    float plain[ROWS * WIDTH], got[ROWS * WIDTH], bent[ROWS * WIDTH];
    float squares[IN_MOST], means[IN_MOST] = {0};
    const struct lac_encode_cpu_usual usual = {squares, means};
    const struct lac_encode_cpu_int8 *form;

    LAC_TEST_NEED(p);
    lac_test_seed();
    for (size_t s = 0; s < LAC_COUNT(sizes); s++) {
        for (size_t k = 0; k < sizes[s]; k++)
            squares[k] = 1 + any(0.9f);
        for (size_t i = 0; i < ROWS * sizes[s]; i++)
            p->x[i] = any(2);
        make_rest(p, sizes[s], s % 2 ? &usual : NULL);
        multiply(&lac_encode_cpu_int8_plain, p, false, plain);
        multiply(&lac_encode_cpu_int8_plain, p, true, bent);
        lac_test_row("%zu inputs", sizes[s]);
        CU_ASSERT(error_of(p, plain) < 0.015 * size_of(p));
        for (size_t i = 0; i < ROWS * WIDTH; i++) {
            double y = (double)plain[i];
            CU_ASSERT(fabs((double)bent[i] - y * erfc(-y / sqrt(2)) / 2) < 2e-4);
        }
        for (size_t f = 0; (form = lac_encode_cpu_int8_at(f)); f++) {
            lac_test_row("%zu inputs, %s", sizes[s], form->name);
            multiply(form, p, false, got);
            CU_ASSERT(memcmp(got, plain, sizeof got) == 0);
            multiply(form, p, true, got);
            CU_ASSERT(memcmp(got, bent, sizeof got) == 0);
        }
        lac_encode_cpu_weights8_close(p->packed);
    }
    free(p);
}

/* In every row another one, so that no factor of an input can take it away. */
static void one_large_input_costs_the_others_little(void)
{
    enum { IN = 512, LARGE = 30 };
    struct product *p = calloc(1, sizeof *p);
    float got[ROWS * WIDTH];
    double alone; /* the error if steps of a 254th of the range were taken where inputs are */

    LAC_TEST_NEED(p);
    lac_test_seed();
    for (size_t i = 0; i < ROWS * IN; i++)
        p->x[i] = any(0.1f);
    for (size_t r = 0; r < ROWS; r++)
        p->x[r * IN + lac_test_random(IN)] = LARGE;
    make_rest(p, IN, NULL);
    multiply(lac_encode_cpu_int8_at(0), p, false, got);
    alone = LARGE / 254.0 / sqrt(12) * sqrt(IN * 0.01 / 3);
    lac_test_row("error %g, of steps as large as the range wants %g", error_of(p, got), alone);
    CU_ASSERT(error_of(p, got) < alone / 2);
    lac_encode_cpu_weights8_close(p->packed);
    free(p);
}

/* Root of the mean square of what the mean over all rows is off. */
static double error_of_mean(const struct product *p, const float *got)
{
    double sum = 0;

    for (size_t o = 0; o < WIDTH; o++) {
        double off = 0;
        for (size_t r = 0; r < ROWS; r++)
            off += (double)got[r * WIDTH + o] - p->want[r * WIDTH + o];
        sum += off / ROWS * off / ROWS;
    }
    return sqrt(sum / WIDTH);
}

/* A text's vector is the mean over its tokens. */
static void what_inputs_usually_are_costs_the_mean_nothing(void)
{
    enum { IN = 384 };
    struct product *p = calloc(1, sizeof *p);
    float usual_x[IN], squares[IN], none[IN] = {0}, got[ROWS * WIDTH];
    const struct lac_encode_cpu_usual usual[] = {{squares, none}, {squares, usual_x}};
    double errors[LAC_COUNT(usual)];

    LAC_TEST_NEED(p);
    lac_test_seed();
    for (size_t k = 0; k < IN; k++) {
        usual_x[k] = any(1);
        squares[k] = usual_x[k] * usual_x[k] + 0.01f;
    }
    for (size_t i = 0; i < ROWS * IN; i++)
        p->x[i] = usual_x[i % IN] + any(0.1f);
    for (size_t i = 0; i < LAC_COUNT(usual); i++) {
        make_rest(p, IN, &usual[i]);
        multiply(lac_encode_cpu_int8_at(0), p, false, got);
        errors[i] = error_of_mean(p, got);
        lac_encode_cpu_weights8_close(p->packed);
    }
    lac_test_row("error %g, when the mean is not known %g", errors[1], errors[0]);
    CU_ASSERT(errors[1] < errors[0] * 0.75);
    free(p);
}

static void weights_that_are_no_numbers_are_refused(void)
{
    float weights[4] = {1, 2, NAN, 4}, bias[2] = {0};
    struct lac_encode_cpu_weights8 *w = NULL;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_encode_cpu_weights8_open(&w, 2, 2, weights, bias, NULL, &err), LAC_REJECT);
    LAC_TEST_STR(err.text, "cpu-int8: a weight is no finite number");
    CU_ASSERT_PTR_NULL(w);
}

LAC_TEST_MAIN(encode_cpu_int8, products_are_near_those_of_floats,
              one_large_input_costs_the_others_little,
              what_inputs_usually_are_costs_the_mean_nothing,
              weights_that_are_no_numbers_are_refused)
