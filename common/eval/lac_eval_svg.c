/* SPDX-License-Identifier: Apache-2.0 */
/* The risk-coverage curve as a picture. */
#include <math.h>

#include "lac_eval.h"

enum { WIDTH = 640, HEIGHT = 400, LEFT = 60, RIGHT = 20, TOP = 40, BOTTOM = 50, TICKS = 5 };

static double x_of(double coverage)
{
    return LEFT + coverage * (WIDTH - LEFT - RIGHT);
}

static double y_of(double risk, double most)
{
    return HEIGHT - BOTTOM - risk / most * (HEIGHT - TOP - BOTTOM);
}

/* The scale's end: 1, 2 or 5 times a power of ten, at or above the highest risk. */
static double scale_of(const struct lac_eval_report *r)
{
    static const double steps[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1};
    double most = 0;
    size_t i = 0;

    for (size_t p = 0; p < r->curve_count; p++)
        most = fmax(most, r->curve[p].wrong);
    while (i + 1 < LAC_COUNT(steps) && steps[i] < most)
        i++;
    return steps[i];
}

static void put_text(struct lac_buf *b, double x, double y, const char *anchor, const char *text)
{
    lac_buf_printf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
                   text);
}

static void put_axes(struct lac_buf *b, double most)
{
    for (int i = 0; i <= TICKS; i++) {
        double part = (double)i / TICKS;

        lac_buf_printf(b,
                       "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>\n"
                       "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g %%</text>\n"
                       "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d %%</text>\n",
                       LEFT, y_of(part * most, most), WIDTH - RIGHT, LEFT - 8,
                       y_of(part * most, most) + 4, part * most * 100, x_of(part),
                       HEIGHT - BOTTOM + 18, 100 * i / TICKS);
    }
    put_text(b, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 10, "middle",
             "coverage: share of texts, surest first");
}

static void put_curve(struct lac_buf *b, const struct lac_eval_report *r, bool below, double most,
                      const char *colour)
{
    lac_buf_printf(b, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" d=\"", colour);
    for (size_t i = 0; i < r->curve_count; i++)
        lac_buf_printf(b, "%s%.1f %.1f", i ? "L" : "M", x_of(r->curve[i].coverage),
                       y_of(below ? r->curve[i].below : r->curve[i].wrong, most));
    lac_buf_put_text(b, "\"/>\n");
}

void lac_eval_svg(const struct lac_eval_report *r, struct lac_buf *out)
{
    double most = scale_of(r);

    lac_buf_printf(out,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
                   "height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"
                   "<title>Risk and coverage</title>\n"
                   "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                   WIDTH, HEIGHT, WIDTH, HEIGHT);
    put_axes(out, most);
    put_curve(out, r, false, most, "#0b62a4");
    put_curve(out, r, true, most, "#b3261e");
    lac_buf_printf(out,
                   "<text x=\"%d\" y=\"22\" fill=\"#0b62a4\">wrong, area %.4f</text>\n"
                   "<text x=\"%d\" y=\"22\" fill=\"#b3261e\">below the true tier</text>\n"
                   "<text x=\"%d\" y=\"22\" text-anchor=\"end\">%llu texts</text>\n</svg>\n",
                   LEFT, r->curve_area, LEFT + 160, WIDTH - RIGHT, (unsigned long long)r->judged);
}
