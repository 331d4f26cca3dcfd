/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_clock.h"

#include <stdio.h>
#include <time.h>

uint64_t lac_clock_mono_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t lac_clock_mono_ms(void)
{
    return lac_clock_mono_ns() / 1000000u;
}

int64_t lac_clock_wall_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t lac_clock_wall_ms(void)
{
    return lac_clock_wall_us() / 1000;
}

void lac_clock_sleep_ms(uint32_t ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

void lac_clock_format(char *out, int64_t wall_ms)
{
    int64_t rest = ((wall_ms % 1000) + 1000) % 1000;
    time_t seconds = (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
    struct tm tm = {0};
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(out, LAC_CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out + n, LAC_CLOCK_TEXT_SIZE - n, ".%03dZ", (int)rest);
}

bool lac_clock_is_date(unsigned year, unsigned month, unsigned day)
{
    static const unsigned char days[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
        return false;
    return month != 2 || day < 29 || leap;
}
