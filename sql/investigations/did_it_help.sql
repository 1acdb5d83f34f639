-- What: Roll-outs with what hosts reset before and after, against untreated hosts, the newest first.
-- Param: attribute | VARCHAR | - | what was changed, e.g. ami_id or kernel; empty for all
-- Column: roll_out | VARCHAR | - | attribute and values
-- Column: treatment | VARCHAR | - | in_place or replaced
-- Column: first_date | DATE | UTC | day on which the first host changed
-- Column: verdict | VARCHAR | - | improved, worsened, no_difference_seen or no_controls
-- Column: rate_ratio | DOUBLE | ratio | episodes over those to be expected without the roll-out
-- Column: rate_ratio_low | DOUBLE | ratio | lower 95 % bound
-- Column: rate_ratio_high | DOUBLE | ratio | upper 95 % bound
-- Column: in_words | VARCHAR | - | what was seen, and what could not be

select
    attribute || ': ' || from_value || ' → ' || to_value as roll_out,
    treatment,
    first_date,
    verdict,
    rate_ratio,
    rate_ratio_low,
    rate_ratio_high,
    concat(
        'before ', episodes_before, ' episodes in ', cast(round(exposure_before_h) as bigint), ' h of ',
        hosts_before, ' hosts; after ', episodes, ' in ', cast(round(exposure_h) as bigint), ' h of ', hosts,
        ' hosts, at most ', round(per_1000h_high, 2), ' per 1,000 h',
        case
            when verdict = 'no_controls' then '; no untreated hosts to compare with'
            else concat(
                '; expected ', round(expected_episodes, 1), ' as ', control_hosts,
                ' untreated hosts did ', round(control_ratio, 2), ' times what was usual'
            )
        end,
        if(
            verdict = 'no_difference_seen',
            concat('; a fall above ', round(detectable_ratio, 2), ' may have been missed'),
            ''
        ),
        if(
            regression_ratio < 0.9,
            concat('; chance alone would have made it ', round(regression_ratio, 2), ' times'),
            ''
        ),
        if(
            rebooted_ratio >= 0.5,
            '; most were rebooted too: what grows with uptime began anew',
            ''
        ),
        if(also_changed = '', '', concat('; the same hosts also changed ', also_changed))
    ) as in_words
from rollouts
where $attribute in ('', attribute)
order by first_date desc, attribute, from_value, to_value, treatment
